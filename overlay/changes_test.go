package overlay_test

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"math/rand/v2"
	"testing"

	"firn/overlay"
)

// pair is a random older image and one that was made from it.
type pair struct {
	old, young []byte
	same       []overlay.Range // ranges that are known to be the same
}

func newPair(r *rand.Rand) pair {
	p := pair{old: make([]byte, 1+r.IntN(20000))}
	for i := range p.old {
		p.old[i] = byte(r.Uint32())
	}
	p.young = bytes.Clone(p.old)
	for range r.IntN(20) {
		at := r.IntN(len(p.young))
		p.young[at]++
	}
	switch r.IntN(3) {
	case 0:
		p.young = p.young[:1+r.IntN(len(p.young))]
	case 1:
		p.young = append(p.young, p.old[:r.IntN(len(p.old))]...)
	}
	return p
}

// collect has changes see the pieces of a pair in random order, cut at random places.
func (p *pair) collect(r *rand.Rand, c *overlay.Changes) {
	var pieces []overlay.Range
	for at := 0; at < len(p.young); {
		end := min(len(p.young), at+1+r.IntN(3000))
		pieces = append(pieces, overlay.Range{int64(at), int64(end)})
		at = end
	}
	r.Shuffle(len(pieces), func(i, j int) { pieces[i], pieces[j] = pieces[j], pieces[i] })
	for _, piece := range pieces {
		young := p.young[piece[0]:piece[1]]
		if int(piece[1]) <= len(p.old) && bytes.Equal(young, p.old[piece[0]:piece[1]]) && r.IntN(2) == 0 {
			p.same = append(p.same, piece)
			continue
		}
		from := max(0, int(piece[0])-500+r.IntN(1000))
		to := min(len(p.old), int(piece[1])-500+r.IntN(1000))
		if from >= to || r.IntN(4) == 0 {
			c.Add(piece[0], young)
			continue
		}
		c.Compare(piece[0], young, int64(from), p.old[from:to])
	}
}

// differing returns what is not known to be the same.
func (p *pair) differing() iter.Seq2[int64, int64] {
	known := make([]bool, max(len(p.old), len(p.young)))
	for _, r := range p.same {
		for i := r[0]; i < r[1]; i++ {
			known[i] = true
		}
	}
	return func(yield func(from, to int64) bool) {
		for at := 0; at < len(known); {
			end := at
			for end < len(known) && known[end] == known[at] {
				end++
			}
			if !known[at] && !yield(int64(at), int64(end)) {
				return
			}
			at = end
		}
	}
}

// checkReader compares random reads with an image.
func checkReader(t *testing.T, r *rand.Rand, reader io.ReaderAt, want []byte) {
	t.Helper()
	for range 50 {
		at := r.IntN(len(want) + 10)
		b := make([]byte, 1+r.IntN(2000))
		n, err := reader.ReadAt(b, int64(at))
		rest := want[min(at, len(want)):]
		if !bytes.Equal(b[:n], rest[:min(len(rest), len(b))]) || (err == nil) != (n == len(b)) || err != nil && err != io.EOF {
			t.Fatalf("at %d of %d: got %d bytes and %v, or wrong ones", at, len(want), n, err)
		}
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 0))
		for _, keepYoung := range []bool{false, true} {
			p := newPair(r)
			c := overlay.New(1<<20, keepYoung)
			p.collect(r, c)
			s, ok := c.Settle(p.differing())
			if !ok {
				t.Fatalf("seed %d: nothing was kept", seed)
			}
			for i, differ := range difference(p.old, p.young) {
				if differ && !within(s.Differing(), int64(i)) {
					t.Fatalf("seed %d: byte %d differs", seed, i)
				}
			}
			young, stored := io.ReaderAt(bytes.NewReader(p.young)), bytes.NewReader(p.old)
			if keepYoung {
				young = s.Young(stored, int64(len(p.young)))
				checkReader(t, r, young, p.young)
			}
			checkReader(t, r, s.Older(young, stored, int64(len(p.old))), p.old)
		}
	}
}

func difference(a, b []byte) []bool {
	d := make([]bool, max(len(a), len(b)))
	for i := range d {
		d[i] = i >= len(a) || i >= len(b) || a[i] != b[i]
	}
	return d
}

func within(ranges iter.Seq2[int64, int64], at int64) bool {
	for from, to := range ranges {
		if at >= from && at < to {
			return true
		}
	}
	return false
}

// TestLimit checks that changes beyond the limit are given up as a whole.
func TestLimit(t *testing.T) {
	t.Parallel()
	for kept, want := range map[int]bool{100: true, 101: false} {
		c := overlay.New(100, true)
		c.Add(0, make([]byte, kept))
		c.Add(int64(kept), nil)
		if _, ok := c.Settle(func(func(int64, int64) bool) {}); ok != want {
			t.Errorf("%d bytes: got %t, want %t", kept, ok, want)
		}
	}
}

// TestErrors checks that a reader passes on errors, and never takes a missing byte for a zero.
func TestErrors(t *testing.T) {
	t.Parallel()
	failure := errors.New("failure")
	c := overlay.New(1000, false)
	c.Compare(0, []byte("abc"), 0, []byte("abd"))
	s, _ := c.Settle(func(yield func(int64, int64) bool) { yield(0, 10) })
	for name, r := range map[string]io.ReaderAt{
		"Young": s.Older(failing{failure}, bytes.NewReader(make([]byte, 10)), 10), "Stored": s.Older(bytes.NewReader(make([]byte, 10)), failing{failure}, 10),
	} {
		if _, err := r.ReadAt(make([]byte, 10), 0); !errors.Is(err, failure) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := s.Young(bytes.NewReader(make([]byte, 10)), 10).ReadAt(make([]byte, 10), 0); err != io.ErrUnexpectedEOF {
		t.Errorf("not kept: got %v", err)
	}
	if _, err := s.Older(bytes.NewReader(make([]byte, 2)), bytes.NewReader(make([]byte, 5)), 10).ReadAt(make([]byte, 10), 0); err != io.ErrUnexpectedEOF {
		t.Errorf("short: got %v", err)
	}
}

type failing struct{ err error }

func (f failing) ReadAt([]byte, int64) (int, error) { return 0, f.err }
