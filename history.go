package firn

import (
	"context"

	"firn/history"
	"firn/outcome"
	"firn/rows"
	"firn/session"
	"firn/snapshot"
)

// RowKey says which row of a table is meant: by its primary key, by its rowid, or by a unique column.
type RowKey = rows.Key

// Errors of histories.
var (
	// ErrNoTable is returned for a table that no snapshot has.
	ErrNoTable = rows.ErrNoTable
	// ErrKey is returned for a key that does not fit a table.
	ErrKey = rows.ErrKey
	// ErrNotYet is returned by [Repository.FirstTrue] for a condition that is not true in the newest snapshot.
	ErrNotYet = history.ErrNotYet
)

// RowHistory finds all versions of a row in snapshots of one database, such as those of [Database.Snapshots], the newest first. Of
// each snapshot it reads only the pages that lead to the row, and only if these may differ from those of the next one. The row
// may be one that was deleted. It fails with [ErrNoTable] and [ErrKey].
//
// A damaged snapshot is left out, and named in the result. It is the caller's to look at.
func (r *Repository) RowHistory(ctx context.Context, list []*Snapshot, table string, key RowKey) (*history.Row, error) {
	records, err := r.records(list)
	if err != nil {
		return nil, err
	}
	return history.OfRow(ctx, r.session.Repo, records, table, key)
}

// TableHistory calls each with what has happened to a table from snapshot to snapshot, the oldest first: how many rows were added,
// removed and changed, and how its definition has changed. It compares each snapshot with the next one, as [Repository.Diff]
// does. All else is as in [Repository.RowHistory].
func (r *Repository) TableHistory(ctx context.Context, list []*Snapshot, table string, each func(history.TableEvent) error) (*history.Table, error) {
	records, err := r.records(list)
	if err != nil {
		return nil, err
	}
	return history.OfTable(ctx, r.session.Repo, records, table, each)
}

// FirstTrue finds the first of the snapshots of one database, given newest first, where a condition is true: a statement in SQL that
// only reads and gives one number, which is true unless it is 0. It asks few of them, by bisection, so the condition must have become
// true once and be true since; else it may fail with [ErrNotYet]. SQL that does not run on an older snapshot, such as one
// without the table, is no error.
func (r *Repository) FirstTrue(ctx context.Context, list []*Snapshot, condition string) (*history.Found, error) {
	records, err := r.records(list)
	if err != nil {
		return nil, err
	}
	return history.First(ctx, r.session.Repo, records, condition)
}

// Answers asks all of the snapshots for a condition as [Repository.FirstTrue] has it, and returns each change of the answer.
func (r *Repository) Answers(ctx context.Context, list []*Snapshot, condition string) (*history.Found, error) {
	records, err := r.records(list)
	if err != nil {
		return nil, err
	}
	return history.Changes(ctx, r.session.Repo, records, condition)
}

// records returns the records of snapshots of this repository. No snapshots, and one that is of no database, are errors.
func (r *Repository) records(list []*Snapshot) (records []*snapshot.Snapshot, err error) {
	if err := r.check(list...); err != nil {
		return nil, err
	}
	for _, s := range list {
		if s.IsStream() {
			return nil, session.RefuseStream(s.Snapshot)
		}
		records = append(records, s.Snapshot)
	}
	if len(records) == 0 {
		return nil, outcome.Usage("", "no snapshots are given: %w", ErrNotFound)
	}
	return records, nil
}
