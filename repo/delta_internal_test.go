package repo

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"firn/chunk"
)

// history returns a chunk and its earlier states, from the latest on. From each to the next, so many
// of its words differ.
func history(seed uint64, changes ...int) (plain []byte, bases [][]byte) {
	r := rand.New(rand.NewPCG(seed, 1))
	words := make([]string, 8000)
	change := func(at int) { words[at] = fmt.Sprintf("%08x ", r.Uint32()) }
	for at := range words {
		change(at)
	}
	plain = []byte(strings.Join(words, ""))
	for _, n := range changes {
		for range n {
			change(r.IntN(len(words)))
		}
		bases = append(bases, []byte(strings.Join(words, "")))
	}
	return plain, bases
}

func newTestWorker(t interface{ Fatal(...any) }) *worker {
	w, err := newWorker()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// No delta is made on a base that differs too much, and on the nearest only to compare.
func TestSearchedBases(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		changes              []int // from the newest back
		want                 int
		nearest, otherSearch bool // which deltas are made
	}{
		"OneBase":       {[]int{300}, 0, true, false},
		"LittleMore":    {[]int{300, 5}, 1, false, true},
		"SomewhatMore":  {[]int{300, 700}, 1, true, true},
		"MuchMore":      {[]int{60, 3000}, 0, true, false},
		"ShallowTooFar": {[]int{60, 10, 3000}, 1, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTestWorker(t)
			plain, bases := history(1, c.changes...)
			best, delta := w.searchBase(blob{plain: plain}, bases, 0)
			if best != c.want || !w.leadsTo(plain, delta, bases[best]) {
				t.Errorf("a delta on base %d, want one on %d that leads to the chunk", best, c.want)
			}
			if nearest, other := w.deltas[0] != nil, w.deltas[1] != nil; nearest != c.nearest || other != c.otherSearch {
				t.Errorf("deltas on the nearest, on another: %t, %t", nearest, other)
			}
		})
	}
}

func TestChosenBase(t *testing.T) {
	t.Parallel()
	w := newTestWorker(t)
	rapid.Check(t, func(t *rapid.T) {
		changes := rapid.SliceOfN(rapid.IntRange(0, 2000), 1, chunk.MaxDepth).Draw(t, "changes")
		plain, bases := history(rapid.Uint64Range(0, 3).Draw(t, "seed"), changes...)
		best, delta := w.chooseBase(blob{plain: plain}, bases)
		if !w.leadsTo(plain, delta, bases[best]) {
			t.Fatal("the delta leads to something else")
		}
		if whole := w.enc.Encode(nil, plain); len(delta) > len(whole) {
			t.Fatalf("a delta of %d bytes, and a frame of %d", len(delta), len(whole))
		}
	})
}

func TestLeadsTo(t *testing.T) {
	t.Parallel()
	w := newTestWorker(t)
	plain, bases := history(1, 300, 300)
	delta := w.enc.EncodeDelta(nil, plain, bases[0])
	if !w.leadsTo(plain, delta, bases[0]) {
		t.Error("a sound delta does not lead to the chunk")
	}
	if w.leadsTo(plain, delta, bases[1]) || w.leadsTo(bases[1], delta, bases[0]) || w.leadsTo(plain, bytes.Clone(delta[:len(delta)-1]), bases[0]) {
		t.Error("a delta that is not the chunk's leads to it")
	}
}
