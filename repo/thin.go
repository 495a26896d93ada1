package repo

import (
	"context"
	"fmt"

	"firn/retention"
	"firn/snapshot"
)

// PolicyFunc returns the rules of retention of a series, and false for a series to leave alone.
type PolicyFunc func(snapshot.Series) (retention.Policy, bool)

// Thin is [Rounds.Retain] after a listing of the repository, since other runs may have stored snapshots.
func (w *Rounds) Thin(ctx context.Context, policy PolicyFunc) ([]*snapshot.Snapshot, error) {
	w.repo.dropOpening()
	v, err := w.repo.listMeta(ctx)
	if err != nil {
		return nil, err
	}
	list, err := w.repo.readSnapshots(ctx, v)
	if err != nil { // it may hide that a snapshot is the last of its kind
		return nil, err
	}
	w.know(list)
	groups, err := w.Retain(ctx, policy)
	var gone []*snapshot.Snapshot
	for _, g := range groups {
		gone = append(gone, g.Forgotten...)
	}
	return gone, err
}

// Retained is what retention did to a series.
type Retained struct {
	Series    snapshot.Series
	Forgotten []*snapshot.Snapshot
	Decisions []retention.Decision // about these
}

// Retain forgets the snapshots that a policy does not keep, of those that this handle knows. Snapshots that wait for
// [Rounds.Confirm] stay.
func (w *Rounds) Retain(ctx context.Context, policy PolicyFunc) ([]Retained, error) {
	groups := w.expired(policy)
	gone := make(map[snapshot.ID]bool)
	var ids []snapshot.ID
	for _, g := range groups {
		for _, s := range g.Forgotten {
			ids = append(ids, s.ID)
			gone[s.ID] = true
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	if err := w.repo.carryUpkeep(ctx, w.known(), ids); err != nil {
		return nil, err
	}
	if err := w.repo.forget(ctx, ids, nil); err != nil {
		return nil, fmt.Errorf("forget: %w", err)
	}
	w.leaveOut(gone)
	for _, g := range groups {
		f := w.of(g.Series)
		for _, s := range g.Forgotten {
			f.gone = append(f.gone, s.ID)
		}
		f.gone = f.gone[max(0, len(f.gone)-mostGone):]
	}
	return groups, nil
}

// known returns all snapshots that the handle knows, newest first.
func (w *Rounds) known() []*snapshot.Snapshot {
	var list []*snapshot.Snapshot
	for _, f := range w.series {
		list = append(list, f.list...)
	}
	snapshot.Sort(list)
	return list
}

// expired returns what policies let go.
func (w *Rounds) expired(policy PolicyFunc) (groups []Retained) {
	stay := make(map[snapshot.ID]bool, len(w.waiting))
	for _, s := range w.waiting {
		stay[s.ID] = true
	}
	for series, f := range w.series {
		keep, ok := policy(series)
		if !ok {
			continue
		}
		g := Retained{Series: series}
		known := make(map[string]*snapshot.Snapshot, len(f.list))
		for _, s := range f.list {
			known[s.ID.String()] = s
		}
		for _, d := range expired(f.list, keep, w.repo.opts.now()) {
			if s := known[d.ID]; !stay[s.ID] {
				g.Forgotten, g.Decisions = append(g.Forgotten, s), append(g.Decisions, d)
			}
		}
		if len(g.Forgotten) > 0 {
			groups = append(groups, g)
		}
	}
	return groups
}
