package repo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"

	"firn/retention"
	"firn/snapshot"
)

// PreRestoreTag marks a snapshot that a restore took of its target. It has its
// own retention.
const PreRestoreTag = "pre-restore"

// Group is the snapshots of one series, which retention decides upon together.
type Group struct {
	Environment string
	Database    string
	Decisions   []retention.Decision // newest first; Item.ID is the snapshot's ID
}

// Decide applies a policy to each group of the list, in the order of their names.
func Decide(list []*snapshot.Snapshot, keep retention.Policy, now time.Time) []Group {
	members := snapshot.BySeries(list)
	groups := make([]Group, 0, len(members))
	for _, series := range slices.SortedFunc(maps.Keys(members), snapshot.Series.Compare) {
		groups = append(groups, Group{series.Environment, series.Database, keep.Apply(items(members[series]), now)})
	}
	return groups
}

func items(list []*snapshot.Snapshot) []retention.Item {
	items := make([]retention.Item, len(list))
	sound := make(map[*snapshot.Snapshot]bool, len(list))
	for _, s := range snapshot.Sound(list) {
		sound[s] = true
	}
	for i, s := range list {
		items[i] = retention.Item{
			ID:         s.ID.String(),
			Time:       s.Time,
			Pinned:     s.Pinned,
			Verified:   sound[s],
			BySQLite:   sound[s] && s.Verified.BySQLite(),
			Unsound:    s.Verified != nil && !s.Verified.Sound(),
			Unread:     s.NoteUnread,
			Suspect:    len(s.Suspect) > 0,
			PreRestore: s.Tags.Has(PreRestoreTag),
		}
	}
	return items
}

// expired returns the decisions of one group that remove a snapshot.
func expired(group []*snapshot.Snapshot, keep retention.Policy, now time.Time) []retention.Decision {
	return slices.DeleteFunc(keep.Apply(items(group), now), func(d retention.Decision) bool { return d.Keep })
}

// Forget deletes the records of snapshots, and the notes on them. Their space is
// freed by [Repo.Prune].
// One that is gone already is not an error; after an error some may be left. The
// error matches [ErrMayNotDelete] if the store refuses.
func (r *Repo) Forget(ctx context.Context, ids ...snapshot.ID) error {
	if err := r.forgetForGood(ctx, ids); err != nil {
		return fmt.Errorf("forget: %w", err)
	}
	return nil
}

// forgetForGood is forget for snapshots that no later record names in Forgot. Where they are
// the last of their series, other hosts would take the store for rolled back: so a note on
// the last snapshot that stays says that they were forgotten. The note is stored first, as
// it does no harm while they are still there.
func (r *Repo) forgetForGood(ctx context.Context, ids []snapshot.ID) error {
	if len(ids) == 0 {
		return nil
	}
	list, err := r.seenSnapshots(ctx)
	if err == nil && !hasAll(list, ids) { // they were stored since that listing
		list, err = r.Snapshots(ctx)
	}
	if list == nil {
		return err
	}
	if err := r.carryUpkeep(ctx, list, ids); err != nil {
		return err
	}
	forgotten := idSet(ids)
	gone := func(s *snapshot.Snapshot) bool { return forgotten[s.ID] }
	for series, all := range snapshot.BySeries(list) {
		staying := slices.DeleteFunc(slices.Clone(all), gone)
		last := series.LastSequence(all)
		if len(staying) == 0 || series.LastSequence(staying) == last {
			continue
		}
		n := snapshot.Note{Snapshot: staying[0].ID, Forgot: &snapshot.Forgot{
			Time: r.opts.now(), Sequence: last, Snapshots: followers(all, staying[0]),
		}}
		if err := r.Note(ctx, n); err != nil {
			return err
		}
	}
	return r.forget(ctx, ids, nil)
}

// hasAll reports whether a list has all of some snapshots.
func hasAll(list []*snapshot.Snapshot, ids []snapshot.ID) bool {
	known := make(map[snapshot.ID]bool, len(list))
	for _, s := range list {
		known[s.ID] = true
	}
	return !slices.ContainsFunc(ids, func(id snapshot.ID) bool { return !known[id] })
}

// mostGone bounds how many forgotten snapshots a note names.
const mostGone = 128

// followers returns the snapshots of a series that were taken after one, and those that their
// records name: every mark is of one of these. The newest come first.
func followers(series []*snapshot.Snapshot, staying *snapshot.Snapshot) []snapshot.ID {
	var ids []snapshot.ID
	add := func(known ...snapshot.ID) {
		for _, id := range known {
			if !id.IsZero() && id != staying.ID && len(ids) < mostGone && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	for _, s := range series {
		if s.ID == staying.ID {
			break
		}
		add(s.ID, s.Previous)
		add(s.Gone()...)
	}
	if staying.Forgotten != nil {
		add(staying.Forgotten.Snapshots...)
	}
	return ids
}

// forget deletes records and notes by ID, and other objects by name, in one request.
func (r *Repo) forget(ctx context.Context, ids []snapshot.ID, others []string) error {
	if len(ids)+len(others) == 0 {
		return nil
	}
	names := others
	if len(ids) > 0 {
		own, err := r.forgetInRounds(ctx, ids)
		if err != nil {
			return err
		}
		objects, err := r.recordNames(ctx, own)
		if err != nil {
			return err
		}
		names = slices.Concat(others, objects, r.noteNames(ids))
	}
	r.dropOpening()
	return r.removeRecords(ctx, ids, names...)
}

// forgetInRounds forgets those of some snapshots whose records are in rounds, and returns the others.
func (r *Repo) forgetInRounds(ctx context.Context, ids []snapshot.ID) (own []snapshot.ID, err error) {
	v := r.lastListing()
	if v == nil {
		if v, err = r.listMetaToRead(ctx); err != nil {
			return nil, err
		}
	}
	if len(v.rounds) == 0 {
		return ids, nil
	}
	buried, err := r.bury(ctx, v, idSet(ids))
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(ids), func(id snapshot.ID) bool { return buried[id] }), nil
}

func idSet(ids []snapshot.ID) map[snapshot.ID]bool {
	set := make(map[snapshot.ID]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return set
}

// remove deletes objects. If the store refuses, the error matches [ErrMayNotDelete].
func (r *Repo) remove(ctx context.Context, names ...string) error {
	err := r.store.Delete(ctx, names...)
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%s not removed: %w: %w", objects(len(names)), ErrMayNotDelete, err)
	}
	return err
}

func objects(n int) string {
	if n == 1 {
		return "1 object"
	}
	return fmt.Sprintf("%d objects", n)
}

// recordNames returns the names of the records of snapshots. Records that were
// read are in the cache under their names; only for others is a listing needed.
func (r *Repo) recordNames(ctx context.Context, ids []snapshot.ID) ([]string, error) {
	wanted := idSet(ids)
	var names []string
	r.cache.Each(func(name string, _ []byte) {
		if id, ok := snapshot.ParseObjectName(name); ok && wanted[id] {
			names = append(names, name)
			delete(wanted, id)
		}
	})
	if len(wanted) == 0 {
		return names, nil
	}
	for o, err := range listed(ctx, r.store, snapshot.Prefix) {
		if err != nil {
			return nil, fmt.Errorf("list snapshots: %w", err)
		}
		if id, ok := snapshot.ParseObjectName(o.Name); ok && wanted[id] {
			names = append(names, o.Name)
		}
	}
	return names, nil
}
