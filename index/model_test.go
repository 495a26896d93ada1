package index_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"firn/chunk"
	"firn/index"
	"firn/pack"
)

// model holds packs as they are and answers by exhaustion.
type model struct {
	packs map[pack.ID]*modelPack
}

type modelPack struct {
	entries   []pack.Entry
	condemned bool
}

// reachable returns the blobs that can be decoded from the packs that count: it
// adds blobs until no more follow.
func (m *model) reachable(counts func(*modelPack) bool) map[chunk.ID]bool {
	found := make(map[chunk.ID]bool)
	for before := -1; before < len(found); {
		before = len(found)
		for _, p := range m.packs {
			for _, e := range p.entries {
				if counts(p) && (!e.IsDelta() || found[e.Base]) {
					found[e.ID] = true
				}
			}
		}
	}
	return found
}

// step does something to the index and the model alike.
func (m *model) step(t *rapid.T, x *index.Index, i int) {
	id := packID(rapid.SampledFrom([]byte("PQRSTU")).Draw(t, fmt.Sprint("pack ", i)))
	switch rapid.SampledFrom([]string{"add", "add", "add", "condemn", "remove"}).Draw(t, fmt.Sprint("step ", i)) {
	case "add":
		entries := drawEntries(t, i)
		x.Add(id, entries)
		if m.packs[id] == nil {
			m.packs[id] = &modelPack{entries: entries}
		}
	case "condemn":
		x.Condemn(id)
		if p := m.packs[id]; p != nil {
			p.condemned = true
		}
	case "remove":
		x.Remove(id)
		delete(m.packs, id)
	}
}

const letters = "abcdefg"

func drawEntries(t *rapid.T, i int) []pack.Entry {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) pack.Entry {
		id := rapid.SampledFrom([]byte(letters)).Draw(t, "blob")
		form := rapid.SampledFrom([]string{"", "<", "<<", "<<<"}).Draw(t, "depth")
		if form == "" {
			return entry(string(id))
		}
		return entry(string(id) + form + string(rapid.SampledFrom([]byte(letters)).Draw(t, "base")))
	}), 0, 5).Draw(t, fmt.Sprint("entries ", i))
}

// check compares all answers with the model's.
func (m *model) check(t *rapid.T, x *index.Index) {
	available := m.reachable(func(p *modelPack) bool { return !p.condemned })
	readable := m.reachable(func(*modelPack) bool { return true })
	for _, c := range []byte(letters) {
		id := blobID(c)
		if got := x.Available(id); got != available[id] {
			t.Fatalf("Available(%c) = %t, want %t", c, got, available[id])
		}
		if got := x.Chain(id); (got != nil) != readable[id] {
			t.Fatalf("Chain(%c) = %q, want one: %t", c, show(got), readable[id])
		}
		m.checkChain(t, id, x.AvailableChain(id), true)
		m.checkChain(t, id, x.Chain(id), available[id])
		m.checkPlaces(t, x, id)
		m.checkCarriers(t, x, id, available[id])
	}
	for id, p := range m.packs {
		if !x.Has(id) || !slices.Equal(x.Entries(id), p.entries) {
			t.Fatalf("pack %c: other entries", id[0])
		}
	}
	if got := len(x.Packs()); got != len(m.packs) {
		t.Fatalf("%d packs, want %d", got, len(m.packs))
	}
}

// checkChain checks that a chain leads from id over bases to a whole blob.
func (m *model) checkChain(t *rapid.T, id chunk.ID, chain []index.Location, usable bool) {
	for i, l := range chain {
		p := m.packs[l.Pack]
		if p == nil || l.Condemned != p.condemned || usable && p.condemned || !slices.Contains(p.entries, l.Entry) {
			t.Fatalf("chain %q: no such place at %d", show(chain), i)
		}
		if l.ID != id || l.IsDelta() == (i == len(chain)-1) {
			t.Fatalf("chain %q breaks at %d", show(chain), i)
		}
		id = l.Base
	}
}

// checkPlaces checks that all places of a blob are there, best first.
// checkCarriers looks whether the packs that carry a blob are enough for it.
func (m *model) checkCarriers(t *rapid.T, x *index.Index, id chunk.ID, available bool) {
	packs, ok := x.Carriers(slices.Values([]chunk.ID{id}))
	if ok != available {
		t.Fatalf("Carriers(%c) = %v, %t, want %t", id[0], packs, ok, available)
	}
	if !ok {
		return
	}
	alone := index.New()
	for _, p := range packs {
		if m.packs[p] == nil || m.packs[p].condemned {
			t.Fatalf("Carriers(%c): pack %c is condemned or gone", id[0], p[0])
		}
		alone.Add(p, m.packs[p].entries)
	}
	if !alone.Available(id) {
		t.Fatalf("Carriers(%c): %v do not carry it", id[0], packs)
	}
}

func (m *model) checkPlaces(t *rapid.T, x *index.Index, id chunk.ID) {
	want := 0
	for _, p := range m.packs {
		for _, e := range p.entries {
			if e.ID == id {
				want++
			}
		}
	}
	places := x.Places(id)
	rank := func(a, b index.Location) int { return badness(a) - badness(b) }
	if len(places) != want || !slices.IsSortedFunc(places, rank) {
		t.Fatalf("places %q, want %d, best first", show(places), want)
	}
}

func badness(l index.Location) int {
	if l.Condemned {
		return 100 + int(l.Depth)
	}
	return int(l.Depth)
}

func TestIndexModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		x := index.New()
		m := &model{packs: make(map[pack.ID]*modelPack)}
		for i := range rapid.IntRange(1, 20).Draw(t, "steps") {
			m.step(t, x, i)
			m.check(t, x)
		}
	})
}
