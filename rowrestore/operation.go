// Package rowrestore puts single rows of a snapshot back into a live database: customers that were deleted by mistake, with their
// orders, without losing the day. It says first which rows it would insert, change and delete: the plan. A run of it then saves
// what the database holds as a snapshot, and writes the rows in one transaction, if they are still what the plan says.
package rowrestore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"firn/outcome"
	"firn/restore"
	"firn/session"
	"firn/snapshot"
	"firn/sqlite"
	"firn/sqlite/rowsync"
)

// Options say which rows are restored, and where to.
type Options struct {
	restore.Options
	rowsync.Request
	Limit time.Duration // for reading the rows of the snapshot, the condition included; 0 for none
}

// check refuses what cannot work before anything is opened.
func (o *Options) check() error {
	switch {
	case o.Table == "":
		return outcome.Usage("", "restore: no table is named")
	case o.Undo || o.Scrub != "" || o.Unsound || o.Offline:
		return outcome.Usage("", "restore: --scrub, --unsound and --offline are for whole databases, and do not go with --table")
	}
	_, err := rowsync.ParseMode(string(o.Mode))
	if err != nil {
		return outcome.Usage("", "restore: --mode %w", err)
	}
	return nil
}

// Operation is one restore of rows. Its steps are those of [restore.Operation], and it is for one goroutine.
type Operation struct {
	*restore.Operation
	s       *session.Session
	options Options
	plan    *Plan
	sync    *rowsync.Sync
}

// New begins a restore of rows. The caller closes the operation, and after it the session.
func New(s *session.Session, o Options) (*Operation, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	op, err := restore.New(s, o.Options)
	if err != nil {
		return nil, err
	}
	return &Operation{Operation: op, s: s, options: o}, nil
}

// Plan says which rows would be changed.
type Plan struct {
	*restore.Plan // of the snapshot and the target
	Rows          *rowsync.Plan
	Triggers      bool // the triggers of the database run
}

// Plan finds the snapshot that the options name, reads the rows that they name, and compares them with those of the live database.
// Nothing is changed.
func (op *Operation) Plan(ctx context.Context) (*Plan, error) {
	whole, err := op.PlanChange(ctx)
	if err != nil {
		return nil, err
	}
	if whole.Snapshot.IsStream() {
		return nil, session.RefuseStream(whole.Snapshot)
	}
	op.plan = nil
	rows, err := op.compare(ctx, whole.Snapshot)
	if err != nil {
		return nil, explain(err)
	}
	op.plan = &Plan{whole, rows, op.options.Triggers}
	return op.plan, nil
}

// errLimit is the cause of a reading that took too long.
var errLimit = errors.New("the time for reading the snapshot is over")

// compare reads rows of the snapshot, with firn's rights, and compares them with the live ones, with those of the database, until
// no more rows are wanted.
func (op *Operation) compare(ctx context.Context, from *snapshot.Snapshot) (plan *rowsync.Plan, err error) {
	if op.options.Limit > 0 {
		limited, cancel := context.WithTimeout(ctx, op.options.Limit)
		defer cancel()
		ctx = limited
		defer func() {
			if errors.Is(limited.Err(), context.DeadlineExceeded) && err != nil {
				err = errLimit
			}
		}()
	}
	err = op.AtTarget(func(path string) (err error) {
		op.sync, err = rowsync.New(ctx, path, op.options.Request, rowsync.Options{Wait: op.wait(), Now: op.s.Now})
		return err
	})
	if err != nil {
		return nil, err
	}
	view, err := op.s.OpenView(ctx, from)
	if err != nil {
		return nil, damaged(from, err)
	}
	defer func() { err = errors.Join(err, view.Close()) }()
	for err = op.sync.Read(ctx, view); err == nil; err = op.sync.Fetch(ctx, view) {
		more := false
		err := op.AtTarget(func(path string) (err error) { plan, more, err = op.sync.Plan(ctx, path); return err })
		if err != nil || !more {
			return plan, err
		}
	}
	return nil, damaged(from, err)
}

// damaged says so if an error of reading a snapshot means that its database was damaged already when it was backed up.
func damaged(from *snapshot.Snapshot, err error) error {
	if outcome.IsDamagedDatabase(err) {
		return outcome.DamagedDatabase(from.ID.Short(), fmt.Errorf("snapshot %s: %w", from.ID.Short(), err))
	}
	return err
}

// wait is how long the operation waits for locks.
func (op *Operation) wait() time.Duration {
	if op.options.Wait <= 0 {
		return restore.DefaultWait
	}
	return op.options.Wait
}

// Result says what a restore of rows did.
type Result struct {
	Saved *snapshot.Snapshot // of the database before; nil if there was nothing to change
}

// Run does what the plan says, and plans first if [Operation.Plan] was not called. Without a result the database is as it was. An
// error beside a result says that the application could not be started.
func (op *Operation) Run(ctx context.Context) (*Result, error) {
	if op.plan == nil {
		if _, err := op.Plan(ctx); err != nil {
			return nil, err
		}
	}
	if op.plan.Rows.Empty() {
		return &Result{}, nil
	}
	saved, err := op.Change(ctx, func(path string, locked func() error) error {
		return op.sync.Apply(ctx, path, op.plan.Rows, locked)
	})
	if saved == nil {
		return nil, explain(err)
	}
	return &Result{saved}, err
}

// explain adds what a person can do to an error.
func explain(err error) error {
	refusal, refused := errors.AsType[*rowsync.Refusal](err)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, rowsync.ErrChanged):
		return outcome.Failed("Run it again, and look at what it shows.", "nothing was written: %w", err)
	case refused:
		return outcome.Failed(refusal.Advice, "restore rows: nothing was written: %w", err)
	case errors.Is(err, errLimit):
		return outcome.Failed("Give --limit more time, or name fewer rows.", "restore rows: nothing was written: %w", err)
	case errors.Is(err, sqlite.ErrSQL) || errors.Is(err, sqlite.ErrReadOnly):
		return outcome.Usage("--where is one expression over the columns of the table in the snapshot.", "restore rows: %w", err)
	}
	return fmt.Errorf("restore rows: nothing was written: %w", err)
}
