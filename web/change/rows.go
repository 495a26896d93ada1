package change

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"firn/answer"
	"firn/diff"
	"firn/restore"
	"firn/rowrestore"
	"firn/session"
	"firn/snapshot"
	"firn/sqlite/rowsync"
	"firn/web/work"
)

// Rows is an order to bring single rows of a snapshot back into the live database of an environment.
type Rows struct {
	Environment string
	Snapshot    *snapshot.Snapshot
	rowsync.Request
	Limit time.Duration // for reading the snapshot
}

// begin begins the operation. The caller closes it.
func (o Rows) begin(s *session.Session) (*rowrestore.Operation, error) {
	return rowrestore.New(s, rowrestore.Options{
		Options: restore.Options{Environment: o.Environment, From: o.Snapshot.Environment, Snapshot: o.Snapshot.ID.String()},
		Request: o.Request, Limit: o.Limit,
	})
}

// Plan finds out what the order would do, and changes nothing.
func (o Rows) Plan(ctx context.Context, s *session.Session) (plan *rowrestore.Plan, err error) {
	op, err := o.begin(s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, op.Close()) }()
	return op.Plan(ctx)
}

// Run returns the task that carries out a plan with a fingerprint, if it is still the same when it begins: else the error is
// [ErrOtherPlan].
func (o Rows) Run(agreed string) work.Task {
	return work.Task{Event: ofRestore("restore rows", o.Environment, o.Snapshot), Run: carriesOut(agreed, o.begin, (*rowrestore.Plan).Fingerprint,
		func(s *session.Session, plan *rowrestore.Plan, done *rowrestore.Result, seconds float64) *work.Result {
			m := answer.NewRows(plan)
			m.Duration = seconds
			var links []work.Link
			if done.Saved != nil {
				m.PreRestoreID = done.Saved.ID.String()
				links = undo(o.Environment, done.Saved)
			}
			return &work.Result{Text: rowsSentence(s, plan, done), Next: append(links, database(o.Environment)), Value: m}
		})}
}

// rowsSentence says what a restore of rows has done.
func rowsSentence(s *session.Session, plan *rowrestore.Plan, done *rowrestore.Result) string {
	if done.Saved == nil {
		return fmt.Sprintf("There was nothing to do in %s: the rows are there, or are left as they are.", plan.Target.Path)
	}
	var parts []string
	for _, t := range plan.Rows.Tables {
		if t.Inserted+t.Changed+t.Deleted > 0 {
			parts = append(parts, fmt.Sprintf("%s: %d came back, %d changed, %d went", diff.Identifier(t.Name), t.Inserted, t.Changed, t.Deleted))
		}
	}
	return fmt.Sprintf("Brought rows of %s back from snapshot %s of %s, %s. %s. What was there before is snapshot %s.", plan.Target.Path,
		plan.Snapshot.ID.Short(), plan.Snapshot.Environment, s.WhenTaken(plan.Snapshot), strings.Join(parts, "; "), done.Saved.ID.Short())
}
