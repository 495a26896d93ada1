package repo

import (
	"context"
	"slices"

	"firn/snapshot"
)

// NoteUpkeep tells all hosts of work on the whole repository, by a note on its newest
// snapshot. Without a snapshot it does nothing.
func (r *Repo) NoteUpkeep(ctx context.Context, done snapshot.Upkeep) error {
	if err := r.telling.take(ctx); err != nil {
		return err
	}
	defer r.telling.giveBack()
	list, err := r.seenSnapshots(ctx)
	if len(list) == 0 {
		return err
	}
	done.Time = r.opts.now()
	told := snapshot.LastUpkeep(list).Later(done)
	return r.Note(ctx, snapshot.Note{Snapshot: list[0].ID, Upkeep: &told})
}

// carryUpkeep copies that note to the newest snapshot that stays, if it is on one that goes.
func (r *Repo) carryUpkeep(ctx context.Context, list []*snapshot.Snapshot, ids []snapshot.ID) error {
	gone := idSet(ids)
	staying := slices.DeleteFunc(slices.Clone(list), func(s *snapshot.Snapshot) bool { return gone[s.ID] })
	told := snapshot.LastUpkeep(list)
	if len(staying) == 0 || snapshot.LastUpkeep(staying) == told {
		return nil
	}
	return r.Note(ctx, snapshot.Note{Snapshot: staying[0].ID, Upkeep: &told})
}

// seenSnapshots returns the snapshots of the last listing, or of one that is made now.
func (r *Repo) seenSnapshots(ctx context.Context) ([]*snapshot.Snapshot, error) {
	last := r.lastListing()
	if last == nil {
		var err error
		if last, err = r.listMetaToRead(ctx); err != nil {
			return nil, err
		}
	}
	return r.readSnapshots(ctx, last)
}
