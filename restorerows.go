package firn

import (
	"cmp"
	"context"
	"errors"
	"time"

	"firn/rowrestore"
	"firn/sqlite/rowsync"
)

// RowMode says which rows a restore of rows writes.
type RowMode = rowsync.Mode

// The modes of [RowOptions].
const (
	InsertRows  = rowsync.Insert  // rows that are missing now
	UpdateRows  = rowsync.Update  // rows that are there now
	UpsertRows  = rowsync.Upsert  // both
	ReplaceRows = rowsync.Replace // both, and rows that the snapshot does not have are deleted
)

// RowOptions say which rows of a snapshot are restored. Only Table is needed.
type RowOptions struct {
	Table        string
	Where        string // an expression over the columns of the table, which runs on the snapshot; "" for all rows
	Mode         RowMode
	WithParents  bool // take missing rows along to which the rows refer
	WithChildren bool // bring rows back that were deleted with their parents; with ReplaceRows, delete rows that refer to deleted ones
	Triggers     bool // let the triggers of the database run
	DryRun       bool // change nothing

	Limit time.Duration // for reading the rows of the snapshot; 0 for none
	Wait  time.Duration // for a moment without another program's transaction; 0 for 10 seconds
}

// RowResult says what a restore of rows has done, or would do.
type RowResult struct {
	Tables []*rowsync.TablePlan // the one that was asked for first
	Saved  *Snapshot            // of the database before; nil if nothing was changed
}

// RestoreRows puts single rows of a snapshot back into the live database, and leaves all other rows as they are. The present
// content is saved as a snapshot first. The rows are written in one transaction of SQLite, with foreign keys: programs may have
// the database open. [Database.Undo] brings back what was there.
//
// If the rows have changed between the comparison and the transaction, nothing is written. Without a result the database is as
// it was. An error beside a result says that the application could not be started afterwards.
func (d *Database) RestoreRows(ctx context.Context, s *Snapshot, o RowOptions) (result *RowResult, err error) {
	if d.err != nil {
		return nil, d.err
	}
	if err := cmp.Or(d.repository.check(s), d.repository.refuseOther()); err != nil {
		return nil, err
	}
	op, err := rowrestore.New(d.with(), o.options(d.env.Name, s))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, op.Close()) }()
	plan, err := op.Plan(ctx)
	if err != nil {
		return nil, err
	}
	result = &RowResult{Tables: plan.Rows.Tables}
	if o.DryRun {
		return result, nil
	}
	done, err := op.Run(ctx)
	if done == nil {
		return nil, err
	}
	result.Saved = d.repository.snapshot(done.Saved)
	return result, err
}

// options returns what a restore of rows needs.
func (o RowOptions) options(environment string, s *Snapshot) rowrestore.Options {
	whole := RestoreOptions{Wait: o.Wait}.options(s)
	whole.Environment = environment
	return rowrestore.Options{
		Options: whole,
		Request: rowsync.Request{
			Table: o.Table, Where: o.Where, Mode: o.Mode, Parents: o.WithParents, Children: o.WithChildren, Triggers: o.Triggers,
		},
		Limit: o.Limit,
	}
}
