package check_test

import (
	"bytes"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"sync"
	"testing"

	"firn/btree/check"
)

// TestDifference compares proofs of differences with SQLite's check of the later image: on random databases and
// histories, and with damage in the pages that differ. A proof is never silent where SQLite reports something, and has no
// findings where nothing was damaged.
func TestDifference(t *testing.T) {
	t.Parallel()
	const each = 400
	all := *mutations
	if testing.Short() {
		all = min(all, 200)
	}
	s := &score{kinds: map[string]*counts{}, reasons: map[string]int{}}
	var group sync.WaitGroup
	seeds := make(chan uint64)
	for range 2 {
		j := newJudge(t)
		defer j.close()
		group.Go(func() {
			for n := range seeds {
				s.differences(t, j, n, min(each, all))
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

// differences makes a random database, and compares differences between its states.
func (s *score) differences(t *testing.T, j *judge, seed uint64, n int) {
	dir, err := os.MkdirTemp("", "check")
	if err != nil {
		t.Error(err)
		return
	}
	defer os.RemoveAll(dir)
	a := newApp(t, dir, seed)
	defer func() { a.db.Close() }()
	for range 40 {
		a.change()
	}
	a.steady = true
	states := [][]byte{a.image()}
	for state := 0; n > 0; state++ {
		for range 1 + a.r.IntN(4) {
			a.change()
		}
		image := a.image()
		states = append(states, image)
		r := rand.New(rand.NewPCG(seed, uint64(state)+2000))
		old := states[max(0, len(states)-2-r.IntN(3))]
		what := fmt.Sprintf("seed %d, state %d", seed, state)
		result := s.prove(t, r, old, image)
		if len(result.Findings) > 0 {
			t.Errorf("%s: false alarm: %v; SQLite: %v%s", what, result.Findings, j.look(image), keep(image)+keepOld(old))
			return
		}
		s.note(result)
		if !s.differLying(t, j, a, r, image, what) {
			return
		}
		if result.Full != "" || len(differing(old, image)) == 0 {
			n--
			continue
		}
		if !s.differDamaged(t, j, r, [2][]byte{old, image}, min(n, 40), what) {
			return
		}
		n -= 40
	}
}

// differLying proves images that differ by the work of a lie.
func (s *score) differLying(t *testing.T, j *judge, a *app, r *rand.Rand, image []byte, what string) bool {
	for i := range 4 {
		lied, kind := a.lie(image, r)
		if lied != nil && !s.compareDifference(t, j, r, [2][]byte{image, lied}, kind, fmt.Sprintf("%s, lie %d", what, i)) {
			return false
		}
	}
	return true
}

// differDamaged proves images with damage in the pages that differ.
func (s *score) differDamaged(t *testing.T, j *judge, r *rand.Rand, images [2][]byte, n int, what string) bool {
	old, image := images[0], images[1]
	pages := differing(old, image)
	for i := range n {
		kind := r.IntN(len(damages))
		d := &spoiler{r: r, b: bytes.Clone(image), stale: old, size: pageSize(image), pages: pages}
		d.spoil(kind)
		if !bytes.Equal(d.b, image) &&
			!s.compareDifference(t, j, r, [2][]byte{old, d.b}, damages[kind].name, fmt.Sprintf("%s, mutation %d", what, i)) {
			return false
		}
	}
	return true
}

// compareDifference compares a proof with SQLite's check.
func (s *score) compareDifference(t *testing.T, j *judge, r *rand.Rand, images [2][]byte, kind, what string) bool {
	result := s.prove(t, r, images[0], images[1])
	if result.Full != "" {
		s.add(kind, func(c *counts) { c.full++ })
		return true
	}
	ok := s.compareResult(t, j, images[1], result, kind, what)
	if !ok {
		keepOld(images[0])
	}
	return ok
}

func keepOld(image []byte) string {
	if *keepFile != "" {
		os.WriteFile(*keepFile+".old", image, 0o600)
	}
	return ""
}

func (s *score) note(r *check.Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sound++
	if len(r.Left) > 0 {
		s.left++
	}
	reason := []rune(r.Full)
	for i, c := range reason {
		if c >= '0' && c <= '9' {
			reason[i] = '#'
		}
	}
	s.reasons[string(bytes.ReplaceAll([]byte(string(reason)), []byte("##"), []byte("#")))]++
}

// prove proves b by its difference from a, of which it reads only what may differ.
func (s *score) prove(t *testing.T, r *rand.Rand, a, b []byte) *check.Result {
	ranges := cover(a, b, int64(1+r.IntN(3000)))
	w := watched{t, a, map[int]bool{0: true}, pageSize(a)}
	for from, to := range ranges {
		for page := int(from) / w.size; page <= int(to-1)/w.size; page++ {
			w.allowed[page] = true
		}
	}
	result, err := check.Difference(t.Context(), check.Image{Reader: w, Size: int64(len(a))}, imageOf(b), ranges, check.Options{Findings: 20})
	if err != nil {
		t.Error(err)
		return &check.Result{Full: err.Error()}
	}
	return result
}

// watched is an image of which only some pages may be read.
type watched struct {
	t       *testing.T
	b       []byte
	allowed map[int]bool // pages, counted from 0
	size    int
}

func (w watched) ReadAt(b []byte, offset int64) (int, error) {
	if page := int(offset) / w.size; !w.allowed[page] {
		w.t.Errorf("page %d is read from the older image, and it does not differ", page+1)
	}
	return copy(b, w.b[offset:]), nil
}

func imageOf(b []byte) check.Image {
	return check.Image{Reader: bytes.NewReader(b), Size: int64(len(b))}
}

// differing returns the pages of b, counted from 0, that are not the same in a.
func differing(a, b []byte) (pages []int) {
	size := pageSize(b)
	for n := range len(b) / size {
		at := n * size
		if at+size > len(a) || !bytes.Equal(a[at:at+size], b[at:at+size]) {
			pages = append(pages, n)
		}
	}
	return pages
}

// cover returns ranges of a grid, outside of which a and b are the same.
func cover(a, b []byte, grid int64) iter.Seq2[int64, int64] {
	return func(yield func(int64, int64) bool) {
		for from := int64(0); from < int64(max(len(a), len(b))); from += grid {
			part := func(b []byte) []byte { return b[min(from, int64(len(b))):min(from+grid, int64(len(b)))] }
			if !bytes.Equal(part(a), part(b)) && !yield(from, from+grid) {
				return
			}
		}
	}
}
