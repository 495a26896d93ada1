package repo

import (
	"cmp"
	"context"
	"slices"

	"firn/chunk"
	"firn/snapshot"
)

// before returns the snapshots that the new one can follow. Snapshots that are later than now
// are left out, unless the series has no others: then this host's clock is behind.
func (b *backup) before() []*snapshot.Snapshot {
	if b.opts.copied != nil {
		return b.opts.copied.earlier(b.list)
	}
	past, ahead := snapshot.SplitAhead(b.list, b.started)
	b.result.Ahead = slices.DeleteFunc(ahead, func(s *snapshot.Snapshot) bool { return s.Series() != b.series() })
	if snapshot.Latest(past, b.opts.Environment, b.opts.Database) == nil {
		return b.list
	}
	return past
}

// series returns the series of the new snapshot.
func (b *backup) series() snapshot.Series {
	return snapshot.Series{Environment: b.opts.Environment, Database: b.opts.Database}
}

// loadParent reads the parent's tree. Another host may have stored it, in packs
// that this one's cache has not seen.
func (b *backup) loadParent(ctx context.Context) (*chunk.Tree, error) {
	tree, err := b.nodes().loadTree(ctx, b.parent)
	if !isDamage(err) || !b.repo.indexCached(b.listing) {
		return tree, err
	}
	fresh, err := b.repo.listInventory(ctx, b.listing)
	if err != nil {
		return nil, err
	}
	b.inventory = fresh
	return b.nodes().loadTree(ctx, b.parent)
}

// chooseParent returns the snapshot whose bytes the database most likely
// continues: the one restored over it, or the environment's newest, or, for a
// first backup, the newest of this database anywhere, so that a clone shares
// its chunks with its origin. A copy continues what its original does.
func (b *backup) chooseParent() *snapshot.Snapshot {
	if s := b.opts.copied.parent(b.list); s != nil {
		return s
	}
	if s := b.withID(b.opts.Parent); s != nil {
		return s
	}
	if b.previous == nil {
		return snapshot.Latest(b.list, "", b.opts.Database)
	}
	if b.opts.ReplacedBy == b.previous.ReplacedBy { // the restore is still under way
		return b.previous
	}
	return cmp.Or(b.withID(b.replacedBy()), b.previous)
}

// replacedBy returns the snapshot that was restored over the previous one, zero for none: the
// restore that took the previous one may have failed.
func (b *backup) replacedBy() snapshot.ID {
	if undo := b.previous.NoUndo; undo != nil && undo.Reason == "" {
		return snapshot.ID{}
	}
	return b.previous.ReplacedBy
}

// withID returns a snapshot of the list, nil if it is not there.
func (b *backup) withID(id snapshot.ID) *snapshot.Snapshot {
	i := slices.IndexFunc(b.list, func(s *snapshot.Snapshot) bool { return s.ID == id })
	if i < 0 {
		return nil
	}
	return b.list[i]
}
