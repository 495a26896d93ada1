package change

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"firn/access"
	"firn/answer"
	"firn/restore"
	"firn/session"
	"firn/snapshot"
	"firn/web/work"
)

// Restore is an order to make an environment's database equal to a snapshot, or to undo the last restore there.
type Restore struct {
	Environment string
	Snapshot    *snapshot.Snapshot // nil for an undo
	Unsound     bool               // restore even a database in which the checks find something wrong
	Offline     bool               // no program has the target open
}

// Plan is what an order would do.
type Plan struct {
	*restore.Plan
	Fingerprint string       // of what the client agrees to
	Rows        restore.Rows // of the target, if they were counted
}

// begin begins the operation. The caller closes it.
func (o Restore) begin(s *session.Session) (*restore.Operation, error) {
	if s.Conf.Lookup(o.Environment) == nil {
		return nil, notConfigured(o.Environment)
	}
	options := restore.Options{Environment: o.Environment, Unsound: o.Unsound, Offline: o.Offline, Undo: o.Snapshot == nil}
	if o.Snapshot != nil {
		options.From, options.Snapshot = o.Snapshot.Environment, o.Snapshot.ID.String()
	}
	return restore.New(s, options)
}

// Plan finds out what the order would do, and changes nothing. If it is for a person, the rows of the target are counted.
func (o Restore) Plan(ctx context.Context, s *session.Session, person bool) (*Plan, error) {
	op, err := o.begin(s)
	if err != nil {
		return nil, err
	}
	defer op.Close() // it lets go of a folder
	plan, err := op.Plan(ctx)
	if err != nil {
		return nil, err
	}
	p := &Plan{Plan: plan, Fingerprint: fingerprint(plan)}
	if person {
		p.Rows, err = op.CountRows(ctx)
	}
	return p, err
}

// fingerprint returns a hash of what a person agrees to with a plan. The size and the time of the target are no part of it, since
// the application goes on writing.
func fingerprint(plan *restore.Plan) string {
	text, err := json.Marshal([]any{
		plan.Snapshot.ID.String(), plan.Target.Path, plan.Target.Environment, plan.Target.Exists, plan.Target.Damage != nil,
		plan.Target.Schema, plan.Scrub, plan.Stop,
	})
	if err != nil {
		panic("change: internal error: " + err.Error()) // texts, numbers and truths
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Run returns the task that carries out a plan, if it is still the same when it begins: else the error is [ErrOtherPlan].
func (o Restore) Run(agreed *Plan) work.Task {
	what := "restore"
	if o.Undoes() {
		what = "undo"
	}
	return work.Task{Event: ofRestore(what, o.Environment, agreed.Snapshot), Run: carriesOut(agreed.Fingerprint, o.begin, fingerprint,
		func(s *session.Session, plan *restore.Plan, done *restore.Result, seconds float64) *work.Result {
			m := answer.NewRestore(plan)
			m.Add(done)
			m.Duration = seconds
			return &work.Result{Text: sentence(s, plan, done), Next: next(plan, done), Value: m}
		})}
}

// sentence says what a restore has done.
func sentence(s *session.Session, plan *restore.Plan, done *restore.Result) string {
	text := fmt.Sprintf("Restored %s from snapshot %s of %s, %s: %d of %d pages were written.", plan.Target.Path, plan.Snapshot.ID.Short(),
		plan.Snapshot.Environment, s.WhenTaken(plan.Snapshot), done.PagesWritten, done.PageCount)
	if done.Scrub != "" {
		text += fmt.Sprintf(" %s was run on the copy first.", done.Scrub)
	}
	if done.Saved != nil {
		text += fmt.Sprintf(" What was there before is snapshot %s.", done.Saved.ID.Short())
	}
	if done.Kept != "" {
		text += fmt.Sprintf(" What was there before is the file %s.", done.Kept)
	}
	return text
}

// next says what to do after a restore.
func next(plan *restore.Plan, done *restore.Result) (links []work.Link) {
	env := plan.Target.Environment
	if env == "" {
		return nil
	}
	if done.Saved != nil {
		links = undo(env, done.Saved)
	}
	return append(links, database(env))
}

// undo is the links to what a restore has replaced.
func undo(environment string, saved *snapshot.Snapshot) []work.Link {
	return []work.Link{{Text: "Undo", Path: UndoPath(environment), Scope: access.Restore}, {Text: "What was there before", Path: SnapshotPath(saved.ID)}}
}

// UndoPath returns the path of the page that undoes the last restore of an environment.
func UndoPath(environment string) string { return DatabasePath(environment) + "/undo" }
