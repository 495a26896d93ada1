package index

import (
	"encoding/binary"

	"firn/chunk"
)

// place points at an entry of a holder.
type place struct{ pack, entry uint32 }

// table finds the first place of each blob. A map from IDs would hold every ID, which
// the entries have, once more: this is a hash table of places alone, with open
// addressing. IDs are MACs under a key of the repository, so their first bytes are as
// good as a hash, and cannot be chosen without the key.
type table struct {
	slots []place // of a power of two; packs count from 1 here, so zero is a free slot
	used  int
}

// tableMin is the first size.
const tableMin = 64

// find returns the slot that has a blob, or the free one where it belongs.
func (t *table) find(packs []holder, id chunk.ID) (at int, found bool) {
	mask := len(t.slots) - 1
	for at = int(binary.LittleEndian.Uint64(id[:])) & mask; ; at = (at + 1) & mask {
		p := t.slots[at]
		if p == (place{}) {
			return at, false
		}
		if packs[p.pack-1].entries[p.entry].ID == id {
			return at, true
		}
	}
}

// get returns the place of a blob.
func (t *table) get(packs []holder, id chunk.ID) (place, bool) {
	if t.used == 0 {
		return place{}, false
	}
	at, found := t.find(packs, id)
	if !found {
		return place{}, false
	}
	return place{t.slots[at].pack - 1, t.slots[at].entry}, true
}

// add adds the place of a blob, unless it has one: then it returns false. The entry
// must be among the packs.
func (t *table) add(packs []holder, id chunk.ID, p place) bool {
	if t.used*4 >= len(t.slots)*3 {
		t.grow(packs)
	}
	at, found := t.find(packs, id)
	if !found {
		t.slots[at] = place{p.pack + 1, p.entry}
		t.used++
	}
	return !found
}

// grow doubles the table.
func (t *table) grow(packs []holder) {
	old := t.slots
	t.slots = make([]place, max(tableMin, 2*len(old)))
	for _, p := range old {
		if p != (place{}) {
			at, _ := t.find(packs, packs[p.pack-1].entries[p.entry].ID)
			t.slots[at] = p
		}
	}
}
