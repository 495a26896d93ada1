package firn

import (
	"context"
	"errors"
	"time"

	"firn/outcome"
	"firn/restore"
	"firn/session"
)

// RestoreOptions say how a database is replaced. The zero value is the default.
type RestoreOptions struct {
	Scrub   string        // path of a file with SQL for the copy before it goes live; "" for the environment's, if this is a clone
	Unsound bool          // restore even a database in which the checks find something wrong
	Offline bool          // no program has the target open: then another page size, or a damaged target, is allowed
	Wait    time.Duration // for a moment without another program's transaction; 0 for 10 seconds
}

// options returns what the restore of a snapshot needs beside its target.
func (o RestoreOptions) options(s *Snapshot) restore.Options {
	options := restore.Options{Scrub: o.Scrub, Unsound: o.Unsound, Offline: o.Offline, Wait: o.Wait}
	if s != nil {
		options.From, options.Name, options.Snapshot = s.Environment, s.Database, s.ID.String()
	}
	return options
}

// RestorePlan says what a restore would replace by what. Until [RestorePlan.Run] nothing is changed. A plan is for one
// goroutine, is run once, and must be closed.
type RestorePlan struct {
	*restore.Plan
	operation  *restore.Operation
	repository *Repository
}

// RestoreResult tells what a restore has done.
type RestoreResult struct {
	*restore.Result
	Saved *Snapshot // of what was replaced; nil if there was nothing to save
}

// PlanRestore finds out what a restore of a snapshot into the database would replace. The snapshot may be of another
// database: then this is a clone, which is scrubbed if the environment says so. The caller closes the plan.
func (d *Database) PlanRestore(ctx context.Context, s *Snapshot, o RestoreOptions) (*RestorePlan, error) {
	if err := d.repository.check(s); err != nil {
		return nil, err
	}
	return d.plan(ctx, o.options(s))
}

// Restore makes the database equal to a snapshot, of this database or of another. The image is fetched beside the database and
// checked. Then the present content is saved as a snapshot, and replaced in one transaction of SQLite: programs may have
// the database open, and go on with the new content. What can go wrong leaves the database as it was.
//
// With a result the database was replaced; an error beside it says what went wrong afterwards.
func (d *Database) Restore(ctx context.Context, s *Snapshot, o RestoreOptions) (*RestoreResult, error) {
	plan, err := d.PlanRestore(ctx, s, o)
	if err != nil {
		return nil, err
	}
	return plan.runAndClose(ctx)
}

// PlanUndo is [Database.PlanRestore] for what the last restore has replaced.
func (d *Database) PlanUndo(ctx context.Context, o RestoreOptions) (*RestorePlan, error) {
	options := o.options(nil)
	options.Undo = true
	return d.plan(ctx, options)
}

// Undo puts back what the last restore into the database has replaced. The present content is saved, too, so that a second undo
// is the undoing of the first.
func (d *Database) Undo(ctx context.Context, o RestoreOptions) (*RestoreResult, error) {
	plan, err := d.PlanUndo(ctx, o)
	if err != nil {
		return nil, err
	}
	return plan.runAndClose(ctx)
}

// RestoreTo writes the database of the snapshot to a file that is no environment's, in the way of [Database.Restore]: a database
// that is there is saved and replaced in one transaction.
func (s *Snapshot) RestoreTo(ctx context.Context, path string, o RestoreOptions) (*RestoreResult, error) {
	if path == "" {
		return nil, outcome.Usage("", "restore: no file is named")
	}
	options := o.options(s)
	options.Target = path
	plan, err := s.repository.plan(ctx, s.repository.with(), options)
	if err != nil {
		return nil, err
	}
	return plan.runAndClose(ctx)
}

func (d *Database) plan(ctx context.Context, options restore.Options) (*RestorePlan, error) {
	if d.err != nil {
		return nil, d.err
	}
	options.Environment = d.env.Name
	return d.repository.plan(ctx, d.with(), options)
}

// plan begins an operation and makes its plan.
func (r *Repository) plan(ctx context.Context, s *session.Session, options restore.Options) (*RestorePlan, error) {
	if err := r.refuseOther(); err != nil {
		return nil, err
	}
	operation, err := restore.New(s, options)
	if err != nil {
		return nil, err
	}
	plan, err := operation.Plan(ctx)
	if err != nil {
		return nil, errors.Join(err, operation.Close())
	}
	return &RestorePlan{plan, operation, r}, nil
}

// CountRows counts the rows of the tables that would be replaced, for 3 seconds at most. The result is nil if they could
// not be counted, or there are none.
func (p *RestorePlan) CountRows(ctx context.Context) (map[string]int64, error) {
	return p.operation.CountRows(ctx)
}

// Run does what the plan says. See [Database.Restore].
func (p *RestorePlan) Run(ctx context.Context) (*RestoreResult, error) {
	result, err := p.operation.Run(ctx)
	if result == nil {
		return nil, err
	}
	return &RestoreResult{result, p.repository.snapshot(result.Saved)}, err
}

// Close lets go of the target, whether the plan was run or not. A plan that was closed is run no more.
func (p *RestorePlan) Close() error { return p.operation.Close() }

func (p *RestorePlan) runAndClose(ctx context.Context) (*RestoreResult, error) {
	result, err := p.Run(ctx)
	return result, errors.Join(err, p.Close())
}
