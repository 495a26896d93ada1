// Package index knows which pack holds which blob. It is built from the footers
// of packs and lives in memory: a repository has no index objects that could
// disagree with its packs (docs/format.md, section 4).
package index

import (
	"iter"
	"slices"

	"firn/chunk"
	"firn/pack"
)

// Location is one place where a blob is stored.
type Location struct {
	Pack pack.ID
	pack.Entry
	Condemned bool // the pack is condemned by a garbage collection plan
}

// Index maps blob IDs to their places. All that reads it, [Index.Spoil] and [Index.Mend]
// are safe for concurrent use; [Index.Add], [Index.Condemn] and [Index.Remove] are not.
type Index struct {
	packs  []holder
	byID   map[pack.ID]int
	first  table                // the place of each blob
	others map[chunk.ID][]place // of the few blobs that are stored more than once
	damage *Damage
}

// holder is a pack and the entries of its footer.
type holder struct {
	id        pack.ID
	entries   []pack.Entry
	condemned bool
	gone      bool
}

// New returns an empty index.
func New() *Index { return NewWith(NewDamage()) }

// NewWith returns an empty index that knows of some damage, and adds to it.
func NewWith(d *Damage) *Index {
	return &Index{byID: make(map[pack.ID]int), others: make(map[chunk.ID][]place), damage: d}
}

// With returns an index of the same packs that knows of other damage. Both share the packs:
// so neither may be changed any more.
func (x *Index) With(d *Damage) *Index {
	other := *x
	other.damage = d
	return &other
}

// Add adds a pack to the index, which keeps the slice of entries. A pack that is known
// already is left as it is.
func (x *Index) Add(id pack.ID, entries []pack.Entry) {
	if x.Has(id) {
		return
	}
	at := len(x.packs)
	x.packs = append(x.packs, holder{id: id, entries: entries})
	x.byID[id] = at
	for i, e := range entries {
		p := place{uint32(at), uint32(i)}
		if !x.first.add(x.packs, e.ID, p) {
			x.others[e.ID] = append(x.others[e.ID], p)
		}
	}
}

// Has reports whether the index knows the pack.
func (x *Index) Has(id pack.ID) bool {
	_, ok := x.byID[id]
	return ok
}

// Condemn marks a pack as named by a plan: its blobs can still be read, but are
// not available to new snapshots. Condemnation is never revoked.
func (x *Index) Condemn(id pack.ID) {
	if i, ok := x.byID[id]; ok {
		x.packs[i].condemned = true
	}
}

// Remove forgets a pack that no longer exists.
func (x *Index) Remove(id pack.ID) {
	if i, ok := x.byID[id]; ok {
		x.packs[i].gone = true
		delete(x.byID, id)
	}
}

// Spoil tells the index that the bytes of a blob in a pack were found damaged. The blob
// counts as missing there, so that another copy is used, or a new one stored.
func (x *Index) Spoil(id pack.ID, blob chunk.ID) { x.damage.add(spot{id, blob}) }

// Mend takes back what [Index.Spoil] said, for a caller that has the blob's sound bytes
// from elsewhere and stands in for the pack.
func (x *Index) Mend(id pack.ID, blob chunk.ID) { x.damage.remove(spot{id, blob}) }

func (x *Index) isSpoiled(id pack.ID, blob chunk.ID) bool { return x.damage.has(spot{id, blob}) }

// Packs returns the IDs of the packs that exist.
func (x *Index) Packs() []pack.ID {
	ids := make([]pack.ID, 0, len(x.byID))
	for _, h := range x.packs {
		if !h.gone {
			ids = append(ids, h.id)
		}
	}
	return ids
}

// Entries returns the entries of a pack, nil if it is unknown. It is not a copy.
func (x *Index) Entries(id pack.ID) []pack.Entry {
	if i, ok := x.byID[id]; ok {
		return x.packs[i].entries
	}
	return nil
}

// Extent returns the length of the beginning of a pack that holds all that is of use again: the whole
// pack, or the blobs of a round, whose footer is read once.
func (x *Index) Extent(id pack.ID) int64 {
	if id.IsRound() {
		return pack.BlobsEnd(x.Entries(id))
	}
	return pack.Size(x.Entries(id))
}

// Holds reports whether a pack that exists holds the blob, with its bases or without.
func (x *Index) Holds(id chunk.ID) bool { return len(x.Places(id)) > 0 }

// Blobs returns the number of different blobs that were ever added.
func (x *Index) Blobs() int { return x.first.used }

// Places returns every place of a blob in packs that exist. Packs that are not condemned
// come first, then whole blobs before deltas and shallow deltas before deep ones.
func (x *Index) Places(id chunk.ID) []Location {
	p, ok := x.first.get(x.packs, id)
	if !ok {
		return nil
	}
	found := x.appendPlace(make([]Location, 0, 1), p)
	for _, p := range x.others[id] {
		found = x.appendPlace(found, p)
	}
	slices.SortStableFunc(found, func(a, b Location) int {
		if a.Condemned != b.Condemned {
			if b.Condemned {
				return -1
			}
			return 1
		}
		return int(a.Depth) - int(b.Depth)
	})
	return found
}

func (x *Index) appendPlace(found []Location, p place) []Location {
	h := &x.packs[p.pack]
	e := h.entries[p.entry]
	if h.gone || x.isSpoiled(h.id, e.ID) {
		return found
	}
	return append(found, Location{Pack: h.id, Entry: e, Condemned: h.condemned})
}

// Available reports whether a new snapshot may rely on a blob: a pack that
// exists and is not condemned holds it, and its base is available too
// (docs/format.md, section 6).
func (x *Index) Available(id chunk.ID) bool {
	_, n := x.plainChain(id)
	return n > 0 || x.resolve(id, usable) != nil
}

// Carriers returns packs that together make blobs available, each once. It reports
// false if one of the blobs is not available.
func (x *Index) Carriers(ids iter.Seq[chunk.ID]) (packs []pack.ID, ok bool) {
	carries := make([]bool, len(x.packs))
	for id := range ids {
		chain, n := x.plainChain(id)
		for _, p := range chain[:n] {
			carries[p] = true
		}
		if n > 0 {
			continue
		}
		long := x.resolve(id, usable)
		if long == nil {
			return nil, false
		}
		for _, l := range long {
			carries[x.byID[l.Pack]] = true
		}
	}
	for i, h := range x.packs {
		if carries[i] {
			packs = append(packs, h.id)
		}
	}
	return packs, true
}

// plainChain follows the first place of a blob, that of its base, and so on. Most
// blobs have no other. It returns the numbers of the packs, and how many they are, 0
// if that leads to no whole blob that is usable. It allocates nothing, as a backup
// asks this of all chunks.
func (x *Index) plainChain(id chunk.ID) (packs [chunk.MaxDepth + 1]uint32, n int) {
	for i := range packs {
		p, ok := x.first.get(x.packs, id)
		if !ok {
			return packs, 0
		}
		h := &x.packs[p.pack]
		if h.gone || h.condemned || x.isSpoiled(h.id, id) {
			return packs, 0
		}
		packs[i] = p.pack
		e := &h.entries[p.entry]
		if !e.IsDelta() {
			return packs, i + 1
		}
		id = e.Base
	}
	return packs, 0
}

// AvailableChain is [Index.Chain] over packs that are not condemned only.
func (x *Index) AvailableChain(id chunk.ID) []Location { return x.resolve(id, usable) }

// Chain returns the places that must be read to decode a blob: its own, that of its
// base, and so on to a whole blob. Packs that are not condemned are preferred.
// It returns nil if the blob cannot be decoded.
func (x *Index) Chain(id chunk.ID) []Location {
	if chain := x.resolve(id, usable); chain != nil {
		return chain
	}
	return x.resolve(id, existing)
}

// usable and existing are the two sets of places that resolve can search.
func usable(l Location) bool { return !l.Condemned }
func existing(Location) bool { return true }

// resolve returns the chain over allowed places that starts with the first place
// of id whose bases end in a whole blob, nil if there is none.
func (x *Index) resolve(id chunk.ID, allowed func(Location) bool) []Location {
	s := search{x: x, allowed: allowed}
	if !s.extend(id) {
		return nil
	}
	return s.chain
}

// search is a walk from a blob to a whole one.
type search struct {
	x       *Index
	allowed func(Location) bool
	chain   []Location
	tried   []chunk.ID
}

// extend adds id and its bases to the chain and reports whether they end in a
// whole blob; if not, the chain is left as it was. Each blob is tried once. A base may be
// stored again as a delta on a blob that stands on it, which is a circle; and a blob that
// has led to no whole blob leads to none from elsewhere.
func (s *search) extend(id chunk.ID) bool {
	if slices.Contains(s.tried, id) {
		return false
	}
	s.tried = append(s.tried, id)
	for _, l := range s.x.Places(id) {
		if !s.allowed(l) {
			continue
		}
		s.chain = append(s.chain, l)
		if !l.IsDelta() || s.extend(l.Base) {
			return true
		}
		s.chain = s.chain[:len(s.chain)-1]
	}
	return false
}
