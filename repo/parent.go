package repo

import (
	"context"
	"slices"

	"firn/chunk"
	"firn/snapshot"
)

// before returns the snapshots that the new one can follow. Those that are ahead of now
// are none, unless the series has no others: then it is this host's clock that is behind.
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

// series is what the new snapshot is one of.
func (b *backup) series() snapshot.Series {
	return snapshot.Series{Environment: b.opts.Environment, Database: b.opts.Database}
}

// loadParent reads the parent's tree. Another host may have stored it, in packs
// that this one's cache has not seen.
func (b *backup) loadParent(ctx context.Context) (*chunk.Tree, error) {
	tree, err := b.repo.loadTree(ctx, b.parent)
	if !isDamage(err) || !b.repo.indexCached(b.view) {
		return tree, err
	}
	if err := b.repo.reloadIndex(ctx, b.view); err != nil {
		return nil, err
	}
	return b.repo.loadTree(ctx, b.parent)
}
