package repo

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"firn/pack"
	"firn/snapshot"
)

// Confirmation is the outcome of [Rounds.Confirm].
type Confirmation struct {
	Acknowledged []*snapshot.Snapshot // from now on they stay until they are forgotten, whatever other hosts do
	Again        int                  // how many of them had to be recorded once more, since a prune came in between
	Lost         []*snapshot.Snapshot // a prune has taken blobs of them away: their databases must be taken again
}

// Unconfirmed returns how many snapshots wait for [Rounds.Confirm].
func (w *Rounds) Unconfirmed() int { return len(w.waiting) }

// Confirm is step W4 for all snapshots that wait: it looks whether a plan was published since the listing that
// their rounds went by, by one small listing. If so, it looks up every blob of them under the new plans, and
// records those that are whole once more, under these.
func (w *Rounds) Confirm(ctx context.Context) (*Confirmation, error) {
	c := &Confirmation{}
	for range maxTries {
		settled, err := w.repo.settled(ctx, w.listing)
		if err != nil {
			return c, fmt.Errorf("confirm snapshots: %w", err)
		}
		if settled && !w.unsettled {
			c.Acknowledged = w.waiting
			return c, w.acknowledge(ctx)
		}
		if err := w.settle(ctx, c); err != nil {
			return c, fmt.Errorf("confirm snapshots: %w", err)
		}
	}
	return c, ErrUnsettled
}

// acknowledge takes note of what is confirmed, and forgets the records that are of no use any more.
func (w *Rounds) acknowledge(ctx context.Context) error {
	for series, s := range newestOf(w.waiting) {
		w.repo.raise(s, w.of(series).rollback)
	}
	w.waiting = nil
	w.repo.cache.Flush()
	if len(w.unwanted)+len(w.partials) == 0 {
		return nil
	}
	// Where the credentials may not delete, the records stay until a run with others forgets them.
	if err := w.repo.forget(ctx, w.unwanted, w.partials); err != nil && !errors.Is(err, ErrMayNotDelete) {
		return fmt.Errorf("remove records of snapshots that were not confirmed: %w", err)
	}
	w.unwanted, w.partials = nil, nil
	return nil
}

// settle goes by the plans of now. It looks up the blobs of the snapshots that wait, and records those that are whole
// once more.
func (w *Rounds) settle(ctx context.Context, c *Confirmation) error {
	old := w.waiting
	if err := w.begin(ctx); err != nil {
		return err
	}
	var whole []*snapshot.Snapshot
	reader := w.repo.newReader(w.inventory)
	for _, s := range old {
		tree, err := reader.loadTree(ctx, s)
		if err != nil && !isDamage(err) {
			return err
		}
		if err == nil && w.inventory.available(tree) {
			whole = append(whole, s)
		} else {
			c.Lost = append(c.Lost, s)
		}
	}
	return w.recordAgain(ctx, c, old, whole)
}

// recordAgain stores the records of the snapshots that are whole in another round, under new IDs and the plans of now. The
// old records go once the new ones are confirmed.
func (w *Rounds) recordAgain(ctx context.Context, c *Confirmation, old, whole []*snapshot.Snapshot) error {
	var again []*snapshot.Snapshot
	for _, s := range whole {
		n := *s
		n.ID, n.Token = snapshot.NewID(), w.listing.token
		n.Forgot = append(slices.Clone(s.Forgot), s.ID)
		again = append(again, &n)
	}
	if len(again) > 0 {
		if _, err := w.put(ctx, pack.NewWriter(w.repo.keys, pack.NewID()), again); err != nil {
			return err // the old ones wait on
		}
	}
	c.Again += len(again)
	gone := make(map[snapshot.ID]bool, len(old))
	for _, s := range old {
		gone[s.ID] = true
		w.unwanted = append(w.unwanted, s.ID)
	}
	w.leaveOut(gone)
	for i, s := range whole {
		*s = *again[i] // the results of Take have it, too
		f := w.of(s.Series())
		f.list = append(f.list, s)
		snapshot.Sort(f.list)
	}
	w.waiting, w.unsettled = whole, false
	return nil
}

// leaveOut takes snapshots off all lists.
func (w *Rounds) leaveOut(gone map[snapshot.ID]bool) {
	without := func(list []*snapshot.Snapshot) []*snapshot.Snapshot {
		return slices.DeleteFunc(list, func(s *snapshot.Snapshot) bool { return gone[s.ID] })
	}
	w.all = without(w.all)
	for _, f := range w.series {
		f.list = without(f.list)
		if gone[f.of] {
			f.of, f.tree = snapshot.ID{}, nil
		}
	}
}
