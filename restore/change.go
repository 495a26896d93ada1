package restore

import (
	"context"
	"errors"
	"fmt"

	"firn/outcome"
	"firn/snapshot"
)

// PlanChange is [Operation.Plan] for [Operation.Change]: the target must be there, on this host, and sound. Its page size does not
// matter.
func (op *Operation) PlanChange(ctx context.Context) (*Plan, error) {
	if op.far != nil {
		return nil, outcome.Usage("Run firn on that host. Or copy the database here (firn dump --from), name the copy with --target, and run what --emit sql prints there.",
			"restore %s: rows cannot be restored into a database on another host", op.path)
	}
	op.planned, op.inPlace = false, true
	if op.source == nil {
		if err := op.find(ctx); err != nil {
			return nil, err
		}
	}
	if err := op.planScrub(); err != nil {
		return nil, err
	}
	if op.scrub != nil {
		return nil, outcome.Usage("Restore the snapshot into another file with --target, which scrubs it, and copy the rows from there.",
			"restore %s: single rows of %s cannot be scrubbed", op.path, op.source.Environment)
	}
	if err := op.inspect(ctx); err != nil {
		return nil, err
	}
	if !op.target.exists {
		return nil, outcome.Failed("Restore the whole database.", "restore %s: there is no database to which rows could be added", op.path)
	}
	op.warnOfSource()
	op.planned = true
	return op.plan(), nil
}

// warnOfSource warns of a snapshot whose rows may be wrong. A restore of the whole checks that itself.
func (op *Operation) warnOfSource() {
	op.warnSuspect()
	if found := op.source.Verified; found != nil && !found.Sound() {
		op.s.Warn("snapshot %s is not sound, and its rows may be wrong: %s", op.source.ID.Short(), found.Problem)
	}
}

// AtTarget calls a function with the path of the target, and with the rights of the users that can change it.
func (op *Operation) AtTarget(f func(path string) error) error { return op.site.At(f) }

// Change changes the target by a function in the place of [Operation.Run], once: under the same claim, with the application
// stopped, and after a snapshot of the target, which an undo puts back. The function runs as by [Operation.AtTarget]. It calls
// locked when it holds the write lock and has written nothing, so that all that it changes is in a snapshot. Without a snapshot
// as the result the target is as it was. An error beside it says that the application could not be started.
func (op *Operation) Change(ctx context.Context, change func(path string, locked func() error) error) (saved *snapshot.Snapshot, err error) {
	switch {
	case op.ran:
		return nil, errors.New("restore: an operation runs once")
	case op.closed || !op.planned || !op.inPlace:
		return nil, errors.New("restore: the operation is closed, or no change was planned")
	}
	op.ran = true
	l, err := op.s.Lock("restore", op.path)
	if err != nil {
		return nil, err
	}
	defer l.Release()
	claim, err := op.claim()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, op.site.Do(claim.Release)) }()
	changed := false
	err = op.aroundService(ctx, func() error {
		if err := op.save(ctx); err != nil { // after the stop: what the application wrote last is in it
			return err
		}
		locked := func() error { return op.site.Outside(func() error { return op.saveAgain(ctx) }) }
		if err := op.site.At(func(path string) error { return change(path, locked) }); err != nil {
			return fmt.Errorf("restore %s: %w", op.path, err)
		}
		changed = true
		return nil
	})
	if !changed {
		op.recordUndo(ctx, err)
		return nil, err
	}
	return op.saved, err
}
