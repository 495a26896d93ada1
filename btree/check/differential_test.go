package check_test

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"firn/btree/check"
	"firn/internal/dbtest"
)

func TestMain(m *testing.M) {
	dbtest.Main()
	flag.Parse()
	os.Exit(m.Run())
}

var (
	seed      = flag.Uint64("seed", 1, "seed of the first random database")
	mutations = flag.Int("mutations", 2000, "how many damaged images each random test compares with SQLite's own check")
)

// TestDifferential compares the check with SQLite's on random databases, sound and damaged. It is never silent where
// SQLite reports something, but for what is left to SQLite, and has no findings where nothing was damaged.
func TestDifferential(t *testing.T) {
	t.Parallel()
	const each = 400
	all := *mutations
	if testing.Short() {
		all = min(all, 200)
	}
	s := &score{kinds: map[string]*counts{}}
	var group sync.WaitGroup
	seeds := make(chan uint64)
	for range 2 {
		j := newJudge(t)
		defer j.close()
		group.Go(func() {
			for n := range seeds {
				s.compare(t, j, n, min(each, all))
			}
		})
	}
	for n := range uint64((all + each - 1) / each) {
		if t.Failed() {
			break
		}
		seeds <- *seed + n
	}
	close(seeds)
	group.Wait()
	t.Log(s)
}

// score counts what ran.
type score struct {
	mu      sync.Mutex
	sound   int
	left    int
	kinds   map[string]*counts
	reasons map[string]int // why differences proved nothing
}

// counts are the outcomes for one kind of damage.
type counts struct {
	all, same, both, refused, left, full, only int
	examples                                   []string
}

func (s *score) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d sound images, no false alarm; %d with parts left to SQLite\n", s.sound, s.left)
	for _, why := range slices.Sorted(maps.Keys(s.reasons)) {
		fmt.Fprintf(&b, "%8d differences: %s\n", s.reasons[why], cmp.Or(why, "proved"))
	}
	fmt.Fprintf(&b, "%-20s %8s %8s %8s %8s %8s %8s %8s\n", "damage", "images", "harmless", "both", "refused", "left", "full", "only we")
	total := counts{}
	for _, name := range slices.Sorted(maps.Keys(s.kinds)) {
		c := s.kinds[name]
		fmt.Fprintf(&b, "%-20s %8d %8d %8d %8d %8d %8d %8d %s\n", name, c.all, c.same, c.both, c.refused, c.left, c.full, c.only, strings.Join(c.examples, " | "))
		total.all, total.same, total.both, total.refused, total.left, total.full, total.only =
			total.all+c.all, total.same+c.same, total.both+c.both, total.refused+c.refused, total.left+c.left, total.full+c.full, total.only+c.only
	}
	fmt.Fprintf(&b, "%-20s %8d %8d %8d %8d %8d %8d %8d", "", total.all, total.same, total.both, total.refused, total.left, total.full, total.only)
	return b.String()
}

func (s *score) add(kind string, f func(c *counts)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kinds[kind] == nil {
		s.kinds[kind] = &counts{}
	}
	s.kinds[kind].all++
	f(s.kinds[kind])
}

// compare makes a random database, and compares images of it.
func (s *score) compare(t *testing.T, j *judge, seed uint64, n int) {
	dir, err := os.MkdirTemp("", "check")
	if err != nil {
		t.Error(err)
		return
	}
	defer os.RemoveAll(dir)
	a := newApp(t, dir, seed)
	defer func() { a.db.Close() }()
	stale := a.image()
	for state := 0; n > 0; state++ {
		for range 1 + a.r.IntN(12) {
			a.change()
		}
		image := a.image()
		if !s.compareSound(t, j, image, fmt.Sprintf("seed %d, state %d", seed, state)) {
			return
		}
		r := rand.New(rand.NewPCG(seed, uint64(state)+1000))
		for i := range min(n, 100) {
			kind := r.IntN(len(damages))
			d := &spoiler{r: r, b: bytes.Clone(image), stale: stale, size: pageSize(image)}
			d.spoil(kind)
			if !s.compareDamaged(t, j, d.b, damages[kind].name, fmt.Sprintf("seed %d, state %d, mutation %d", seed, state, i)) {
				return
			}
		}
		for i := range 6 {
			if lied, what := a.lie(image, r); lied != nil {
				if !s.compareDamaged(t, j, lied, what, fmt.Sprintf("seed %d, state %d, lie %d", seed, state, i)) {
					return
				}
			}
		}
		n -= 100
		if a.r.IntN(2) == 0 {
			stale = image
		}
	}
}

func look(t *testing.T, image []byte) *check.Result {
	r, err := check.Check(t.Context(), bytes.NewReader(image), int64(len(image)), check.Options{Findings: 20})
	if err != nil {
		t.Error(err)
		return &check.Result{}
	}
	return r
}

func (s *score) compareSound(t *testing.T, j *judge, image []byte, what string) bool {
	r := look(t, image)
	if len(r.Findings) > 0 {
		t.Errorf("%s: false alarm: %v; SQLite: %v%s", what, r.Findings, j.look(image), keep(image))
		return false
	}
	if v := j.look(image); !v.ok() {
		t.Logf("%s: SQLite finds faults of its own making: %v", what, v)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sound++
	if len(r.Left) > 0 {
		s.left++
	}
	return true
}

func (s *score) compareDamaged(t *testing.T, j *judge, image []byte, kind, what string) bool {
	return s.compareResult(t, j, image, look(t, image), kind, what)
}

// compareResult compares a result with SQLite's check.
func (s *score) compareResult(t *testing.T, j *judge, image []byte, r *check.Result, kind, what string) bool {
	v := j.look(image)
	ours := len(r.Findings) > 0
	switch {
	case ours && v.ok():
		s.add(kind, func(c *counts) {
			if c.only++; len(c.examples) < 2 {
				c.examples = append(c.examples, r.Findings[0].String())
			}
		})
	case ours:
		s.add(kind, func(c *counts) { c.both++ })
	case v.ok():
		s.add(kind, func(c *counts) { c.same++ })
	case v.refused != nil:
		s.add(kind, func(c *counts) { c.refused++ })
	default:
		if missed := j.missed(v, r); len(missed) > 0 {
			t.Errorf("%s: damage %s: silent, left %v; SQLite: %q, %v%s", what, kind, r.Left, missed[:min(3, len(missed))], v, keep(image))
			return false
		}
		s.add(kind, func(c *counts) { c.left++ })
	}
	return true
}

var keepFile = flag.String("keep", "", "file to which the first image of a failure is written")

func keep(image []byte) string {
	if *keepFile == "" {
		return ""
	}
	if err := os.WriteFile(*keepFile, image, 0o600); err != nil {
		return "; " + err.Error()
	}
	return "; kept as " + *keepFile
}
