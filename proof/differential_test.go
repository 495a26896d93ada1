package proof_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"firn/internal/dbtest"
	"firn/proof"
	"firn/sqlite"
)

func TestMain(m *testing.M) {
	dbtest.Main()
	flag.Parse()
	os.Exit(m.Run())
}

var (
	seed  = flag.Uint64("seed", 1, "seed of the first random database")
	pairs = flag.Int("pairs", 800, "how many pairs of images are compared with SQLite's own checks")
)

// TestDifferential compares proofs with what SQLite says, on random databases and histories, lies and damage. A proof is
// never silent where SQLite reports something, and has no problems where there are none, but on damaged bytes.
func TestDifferential(t *testing.T) {
	t.Parallel()
	all := *pairs
	if testing.Short() {
		all = min(all, 200)
	}
	s := &score{counts: map[string]int{}}
	var group sync.WaitGroup
	seeds := make(chan uint64)
	for range 2 {
		group.Go(func() {
			for n := range seeds {
				s.history(t, n)
			}
		})
	}
	for n := *seed; s.total() < all && !t.Failed(); n++ {
		seeds <- n
	}
	close(seeds)
	group.Wait()
	t.Log(s)
}

// score counts what ran.
type score struct {
	mu     sync.Mutex
	pairs  int
	counts map[string]int
}

func (s *score) total() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pairs
}

func (s *score) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d pairs of images\n", s.pairs)
	for _, kind := range []string{"history", "lie", "damage"} {
		fmt.Fprintf(&b, "%-8s", kind)
		for _, outcome := range outcomes {
			fmt.Fprintf(&b, " %s %d;", outcome, s.counts[kind+" "+outcome])
		}
		fmt.Fprintln(&b)
	}
	fmt.Fprintf(&b, "as if all tables were large: %d decided, %d with parts left", s.counts["large checked"], s.counts["large left"])
	return b.String()
}

// The outcomes of a comparison. If the proof alone finds something in damaged bytes, it is stricter than SQLite.
const (
	bothSound = "sound"
	both      = "found by both"
	undecided = "undecided"
	stricter  = "found by the proof alone"
	partly    = "sound as far as it can be checked"
)

var outcomes = []string{bothSound, partly, both, undecided, stricter}

func (s *score) add(kind, outcome string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[kind+" "+outcome]++
	s.pairs++
}

// addRows counts how often nothing was left unchecked by rows.
func (s *score) addRows(r *proof.Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case r.Undecided != "":
	case excused(r):
		s.counts["large left"]++
	default:
		s.counts["large checked"]++
	}
}

// history makes a random database, and compares pairs of its states.
func (s *score) history(t *testing.T, seed uint64) {
	dir, err := os.MkdirTemp("", "proof")
	if err != nil {
		t.Error(err)
		return
	}
	defer os.RemoveAll(dir)
	a := newApp(t, dir, seed)
	defer func() { a.db.Close() }()
	older := a.image()
	if found, err := judge(t, older); err != nil || len(found) > 0 {
		return // a CHECK that its first rows break
	}
	for state := range 12 {
		what := fmt.Sprintf("seed %d, state %d", seed, state)
		for range 1 + a.r.IntN(3) {
			a.change()
		}
		later := a.image()
		if !s.compare(t, dir, "history", what, older, later) {
			return
		}
		found, err := judge(t, later)
		if err != nil || len(found) > 0 {
			if a.r.IntN(2) == 0 {
				a.set(older)
				later = older
			}
			a.mend()
			if later = a.image(); !s.compare(t, dir, "history", what+", mended", older, later) {
				return
			}
			if found, err = judge(t, later); err != nil || len(found) > 0 {
				a.set(older)
				continue
			}
		}
		if lied := a.lie(later); lied != nil && !s.compare(t, dir, "lie", what, later, lied) {
			return
		}
		for n := range 6 {
			spoiled := spoil(a.r, older, later)
			if !bytes.Equal(spoiled, later) && !s.compare(t, dir, "damage", fmt.Sprintf("%s, damage %d", what, n), older, spoiled) {
				return
			}
		}
		older = later
	}
}

// compare compares proofs of a later image with SQLite's word.
func (s *score) compare(t *testing.T, dir, kind, what string, older, later []byte) bool {
	found, err := judge(t, later)
	bad := err != nil || len(found) > 0
	whole, wrong := proof.Rules{}.Whole(t.Context(), imageOf(later))
	if wrong != nil {
		t.Errorf("%s: %v", what, wrong)
		return false
	}
	difference, wrong := proof.Rules{}.Difference(t.Context(), imageOf(older), imageOf(later), differing(older, later))
	if wrong != nil {
		t.Errorf("%s: difference: %v", what, wrong)
		return false
	}
	byRows, wrong := proof.DifferenceWithin(t.Context(), imageOf(older), imageOf(later), differing(older, later), 0)
	if wrong != nil {
		t.Errorf("%s: by rows: %v", what, wrong)
		return false
	}
	for way, r := range map[string]*proof.Result{"whole": whole, "difference": difference, "by rows": byRows} {
		silent := bad && len(r.Problems) == 0 && r.Undecided == "" && !excused(r)
		alarm := !bad && len(r.Problems) > 0 && kind != "damage"
		if silent || alarm {
			t.Errorf("%s: %s, %s: got %+v, SQLite: %q, %v%s", what, kind, way, r, found, err, keep(older, later))
			return false
		}
	}
	if difference.Undecided == "" && (len(difference.Unchecked) == 0) != (len(whole.Unchecked) == 0) && len(whole.Problems) == 0 {
		t.Errorf("%s: %s: unchecked: %q in the difference, %q in the whole%s", what, kind, difference.Unchecked, whole.Unchecked, keep(older, later))
		return false
	}
	s.add(kind, outcomeOf(difference, bad))
	s.addRows(byRows)
	return kind == "damage" || s.agree(t, dir, what, later, whole)
}

// excused reports whether a result names a part that it passes over because its table is large.
func excused(r *proof.Result) bool {
	return slices.ContainsFunc(r.Unchecked, func(text string) bool { return strings.Contains(text, "too large") })
}

func outcomeOf(r *proof.Result, bad bool) string {
	switch {
	case r.Undecided != "":
		return undecided
	case bad:
		return both
	case len(r.Problems) > 0:
		return stricter
	case len(r.Unchecked) > 0:
		return partly
	}
	return bothSound
}

// agree compares the check of a whole image with [sqlite.Check].
func (s *score) agree(t *testing.T, dir, what string, image []byte, r *proof.Result) bool {
	path := filepath.Join(dir, "check.db")
	if err := os.WriteFile(path, image, 0o600); err != nil {
		t.Error(err)
		return false
	}
	err := sqlite.Check(t.Context(), path)
	_, unchecked := errors.AsType[*sqlite.UncheckedError](err)
	_, found := errors.AsType[*sqlite.IntegrityError](err)
	if found != (len(r.Problems) > 0) || !found && unchecked != (len(r.Unchecked) > 0) {
		t.Errorf("%s: got %+v, sqlite.Check: %v%s", what, r, err, keep(image, image))
		return false
	}
	return true
}

// spoil damages a page that differs.
func spoil(r *rand.Rand, older, later []byte) []byte {
	b := bytes.Clone(later)
	size := pageSize(older)
	var pages []int
	for from := range differing(older, later) {
		if int(from) < len(later) {
			pages = append(pages, int(from)/size)
		}
	}
	if len(pages) == 0 {
		return b
	}
	page := func() []byte { return b[pick(r, pages...)*size:][:size] }
	switch p := page(); r.IntN(6) {
	case 0:
		p[r.IntN(size)] ^= 1 << r.IntN(8)
	case 1:
		from := r.IntN(size)
		for i := from; i < min(size, from+1+r.IntN(40)); i++ {
			p[i] = byte(r.Uint32())
		}
	case 2:
		q, old := page(), bytes.Clone(p)
		copy(p, q)
		copy(q, old)
	case 3: // a stale page
		if n := pick(r, pages...); (n+1)*size <= len(older) {
			copy(b[n*size:], older[n*size:(n+1)*size])
		}
	case 4: // half of a page is stale
		if n := pick(r, pages...); (n+1)*size <= len(older) {
			copy(b[n*size+size/2:], older[n*size+size/2:(n+1)*size])
		}
	case 5: // two cells have changed places
		start := 8
		if p[0] == 2 || p[0] == 5 {
			start = 12
		}
		i, j := start+2*r.IntN(8), start+2*r.IntN(8)
		p[i], p[i+1], p[j], p[j+1] = p[j], p[j+1], p[i], p[i+1]
	}
	return b
}

func pageSize(b []byte) int {
	if n := int(b[16])<<8 | int(b[17]); n != 1 {
		return n
	}
	return 65536
}

// differing returns the ranges of the pages that are not the same.
func differing(a, b []byte) iter.Seq2[int64, int64] {
	size := int64(pageSize(a))
	return func(yield func(int64, int64) bool) {
		for from := int64(0); from < int64(max(len(a), len(b))); from += size {
			part := func(b []byte) []byte { return b[min(from, int64(len(b))):min(from+size, int64(len(b)))] }
			if !bytes.Equal(part(a), part(b)) && !yield(from, from+size) {
				return
			}
		}
	}
}

var keepFile = flag.String("keep", "", "file to which the images of a failure are written, the older one with .old")

func keep(older, later []byte) string {
	if *keepFile == "" {
		return ""
	}
	if err := errors.Join(os.WriteFile(*keepFile, later, 0o600), os.WriteFile(*keepFile+".old", older, 0o600)); err != nil {
		return "; " + err.Error()
	}
	return "; kept as " + *keepFile
}
