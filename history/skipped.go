package history

import (
	"context"
	"errors"
	"fmt"

	"firn/btree"
	"firn/outcome"
	"firn/repo"
	"firn/snapshot"
	"firn/sqlite"
)

// Skipped is a snapshot that could not be read, and was left out.
type Skipped struct {
	Snapshot  *snapshot.Snapshot
	Err       error
	Forgotten bool // while the others were read: it is not damaged, but gone
}

// skipped collects the snapshots that were left out.
type skipped []Skipped

// add leaves out a snapshot that is damaged. Any other error comes back, since it is not about that snapshot alone.
func (l *skipped) add(ctx context.Context, s *snapshot.Snapshot, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if !isDamage(err) {
		return fmt.Errorf("snapshot %s: %w", s.ID.Short(), err)
	}
	*l = append(*l, Skipped{Snapshot: s, Err: err})
	return nil
}

// isDamage reports whether an error is about one snapshot: its data in the repository, or its database.
func isDamage(err error) bool {
	_, stored := errors.AsType[*repo.CorruptError](err)
	return stored || ofDatabase(err)
}

// ofDatabase reports whether a database was damaged already when it was backed up.
func ofDatabase(err error) bool {
	for _, target := range []error{sqlite.ErrCorrupt, sqlite.ErrNotDatabase, sqlite.ErrEmpty, sqlite.ErrUnparsed, btree.ErrFormat} {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}

// settle finds out which of the snapshots were forgotten meanwhile.
func (l skipped) settle(ctx context.Context, r *repo.Repo) error {
	if len(l) == 0 {
		return nil
	}
	r.Refresh()
	all, err := r.Snapshots(ctx)
	if all == nil && err != nil {
		return err
	}
	there := make(map[snapshot.ID]bool, len(all))
	for _, s := range all {
		there[s.ID] = true
	}
	for i := range l {
		l[i].Forgotten = !there[l[i].Snapshot.ID]
	}
	return nil
}

// Damage returns the error for the snapshots that are damaged, nil if there are none. A snapshot that was forgotten is not
// damaged.
func Damage(left []Skipped) error {
	var all []error
	for _, s := range left {
		if s.Forgotten {
			continue
		}
		err := fmt.Errorf("snapshot %s cannot be read: %w", s.Snapshot.ID.Short(), s.Err)
		if _, stored := errors.AsType[*repo.CorruptError](s.Err); !stored {
			err = outcome.DamagedDatabase(s.Snapshot.ID.Short(), err)
		}
		all = append(all, err)
	}
	return errors.Join(all...)
}
