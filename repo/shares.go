package repo

import (
	"context"
	"fmt"

	"firn/chunk"
	"firn/snapshot"
)

// Shares says how much snapshots need together, and how much each needs alone, in bytes of
// blobs as they are stored.
type Shares struct {
	Needed    int64                     // by any of them
	Snapshots map[snapshot.ID]int64     // by this one alone: forgetting it frees so much
	Series    map[snapshot.Series]int64 // by snapshots of this series alone
}

// Shares finds out which blobs some snapshots, which [Repo.Snapshots] has returned, have in
// common. It reads their lists of chunks.
func (r *Repo) Shares(ctx context.Context, list []*snapshot.Snapshot) (*Shares, error) {
	inv, err := r.sharedInventory(ctx, withNodes)
	if err != nil {
		return nil, err
	}
	f := &sharing{reader: r.newReader(inv), known: make(map[chunk.ID]int32), series: make(map[snapshot.Series]int32)}
	for s, ready := range f.reader.withRoots(ctx, list, f.seen) {
		if err := f.add(ctx, ready, s); err != nil {
			return nil, err
		}
	}
	return f.sum(list), nil
}

// sharing is the graph of the blobs that snapshots need. Each blob is in it once.
type sharing struct {
	reader *blobReader
	known  map[chunk.ID]int32 // where blobs has it
	blobs  []sharedBlob

	snapshots int32                     // that were added
	series    map[snapshot.Series]int32 // their numbers, from 1
}

// add adds a snapshot, whose root ready may have, and claims the blobs that it needs.
func (f *sharing) add(ctx context.Context, ready *batch, s *snapshot.Snapshot) error {
	top, err := f.node(ctx, ready, root(s.Image()), s.Image().Levels)
	if err != nil {
		return fmt.Errorf("snapshot %s: %w", s.ID.Short(), err)
	}
	series := s.Series()
	if f.series[series] == 0 {
		f.series[series] = int32(len(f.series)) + 1
	}
	f.snapshots++
	f.claim(top, f.snapshots, f.series[series])
	return nil
}

// sharedBlob is one blob. Its owners are numbered from 1; 0 stands for no owner so far, and
// shared for several. A blob below another one always has the other's owners, and perhaps
// more.
type sharedBlob struct {
	size             int64
	snapshot, series int32   // that need it
	below            []int32 // its children in the tree, and its base
}

const shared = -1

// node adds a node, which ready may have, and all that is below it.
func (f *sharing) node(ctx context.Context, ready *batch, e chunk.Entry, level int) (int32, error) {
	if at, ok := f.known[e.ID]; ok {
		return at, nil
	}
	at, err := f.blob(e.ID)
	if err != nil {
		return 0, err
	}
	entries, err := f.reader.readNode(ctx, ready, e, level)
	if err != nil {
		return 0, err
	}
	ready, stop := f.reader.below(ctx, entries, level-1, f.seen)
	defer stop()
	for _, child := range entries {
		var below int32
		if level > 1 {
			below, err = f.node(ctx, ready, child, level-1)
		} else {
			below, err = f.blob(child.ID)
		}
		if err != nil {
			return 0, err
		}
		f.blobs[at].below = append(f.blobs[at].below, below)
	}
	return at, nil
}

func (f *sharing) seen(id chunk.ID) bool {
	_, ok := f.known[id]
	return ok
}

// blob adds a blob and the bases that it stands on.
func (f *sharing) blob(id chunk.ID) (int32, error) {
	if at, ok := f.known[id]; ok {
		return at, nil
	}
	chain := f.reader.index().Chain(id)
	if chain == nil {
		return 0, &CorruptError{Kind: "blob", Name: id.String(), Err: errMissing}
	}
	at := int32(len(f.blobs))
	f.known[id] = at
	f.blobs = append(f.blobs, sharedBlob{size: int64(chain[0].Length)})
	if len(chain) > 1 {
		base, err := f.blob(chain[1].ID)
		if err != nil {
			return 0, err
		}
		f.blobs[at].below = append(f.blobs[at].below, base)
	}
	return at, nil
}

// claim says that a snapshot needs a blob. If that changes nothing of the blob, it changes
// nothing below the blob, either: so each blob is visited three times at most.
func (f *sharing) claim(at, snapshot, series int32) {
	b := &f.blobs[at]
	before := *b
	b.snapshot, b.series = joint(b.snapshot, snapshot), joint(b.series, series)
	if b.snapshot == before.snapshot && b.series == before.series {
		return
	}
	for _, below := range b.below {
		f.claim(below, snapshot, series)
	}
}

func joint(old, additional int32) int32 {
	if old == 0 || old == additional {
		return additional
	}
	return shared
}

func (f *sharing) sum(list []*snapshot.Snapshot) *Shares {
	bySnapshot, bySeries := make([]int64, len(list)+1), make([]int64, len(f.series)+1)
	s := &Shares{Snapshots: make(map[snapshot.ID]int64), Series: make(map[snapshot.Series]int64)}
	for _, b := range f.blobs {
		s.Needed += b.size
		if b.snapshot != shared {
			bySnapshot[b.snapshot] += b.size
		}
		if b.series != shared {
			bySeries[b.series] += b.size
		}
	}
	for i, snap := range list {
		s.Snapshots[snap.ID] = bySnapshot[i+1]
	}
	for series, i := range f.series {
		s.Series[series] = bySeries[i]
	}
	return s
}
