package change

import (
	"context"
	"errors"

	"firn/access"
	"firn/outcome"
	"firn/session"
	"firn/snapshot"
	"firn/web/work"
)

// ErrOtherPlan is returned when a restore would do something else than what the client has agreed to.
var ErrOtherPlan = errors.New("the plan is another one now")

// operation is a restore of a database, or of rows of it.
type operation[P, D any] interface {
	Plan(ctx context.Context) (*P, error)
	Run(ctx context.Context) (*D, error)
	Close() error
}

// carriesOut returns what a task runs: it plans an operation anew, and carries it out if the plan has the fingerprint that the client has
// agreed to: else the error is [ErrOtherPlan]. Tell makes the result of what was done in so many seconds.
func carriesOut[O operation[P, D], P, D any](agreed string, begin func(*session.Session) (O, error), fingerprint func(*P) string,
	tell func(s *session.Session, plan *P, done *D, seconds float64) *work.Result,
) func(context.Context, *session.Session) (*work.Result, error) {
	return func(ctx context.Context, s *session.Session) (result *work.Result, err error) {
		began := s.Now()
		op, err := begin(s)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, op.Close()) }()
		plan, err := op.Plan(ctx)
		if err != nil {
			return nil, err
		}
		if fingerprint(plan) != agreed {
			return nil, outcome.Failed("Look at the new plan.", "%w", ErrOtherPlan)
		}
		done, err := op.Run(ctx)
		if done == nil {
			return nil, err
		}
		return tell(s, plan, done, s.Now().Sub(began).Seconds()), err
	}
}

// ofRestore returns the event of a restore of a snapshot, which may be one of another environment.
func ofRestore(what, environment string, snap *snapshot.Snapshot) access.Event {
	e := access.Event{What: what, Environment: environment, Snapshot: snap.ID.String()}
	if snap.Environment != environment {
		e.Source = snap.Environment
	}
	return e
}
