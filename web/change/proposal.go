package change

import (
	"context"
	"errors"

	"firn/outcome"
	"firn/report"
	"firn/restore"
	"firn/session"
)

// Errors of a person who does not agree to a plan.
var (
	ErrName    = errors.New("the name was not typed, or is another one: nothing was changed")
	ErrUnsound = errors.New("the snapshot is not sound: nothing was changed")
)

// Proposal is an order with its plan, for a person.
type Proposal struct {
	Restore
	Plan       *Plan // nil if there is none yet
	Comparison restore.Comparison
	Steps      []string
	Warnings   []string
}

// Propose makes the plan of an order for a person: with the numbers of rows, and with what the plan warns of.
func (o Restore) Propose(ctx context.Context, s *session.Session) (Proposal, error) {
	var told report.Collector
	plan, err := o.Plan(ctx, s.WithReporter(told.Reporter()), true)
	if err != nil {
		return Proposal{Restore: o}, err
	}
	return Proposal{o, plan, plan.Compare(s.Caller, plan.Rows), plan.Steps(), told.Warnings()}, nil
}

// Undoes reports whether the last restore is undone.
func (o Restore) Undoes() bool { return o.Snapshot == nil }

// Heading says what the order is.
func (o Restore) Heading() string {
	if o.Undoes() {
		return "Undo the last restore of " + o.Environment
	}
	return "Restore snapshot " + o.Snapshot.ID.Short() + " of " + o.Snapshot.Environment
}

// NeedsTick reports whether the snapshot is known not to be sound, which a person has to accept. An undo puts back what was there.
func (p Proposal) NeedsTick() bool { return p.Plan != nil && p.Restore.needsTick(p.Plan) }

// Newer reports whether the target was changed after the snapshot was taken.
func (p Proposal) Newer() bool {
	return p.Plan.Target.Exists && p.Plan.Target.Modified.After(p.Plan.Snapshot.Time)
}

func (o Restore) needsTick(plan *Plan) bool {
	return !o.Undoes() && plan.Snapshot.Verified != nil && !plan.Snapshot.Verified.Sound()
}

// Check returns an error unless a person has seen a plan, by its fingerprint, and agrees to it by typing the name of the environment.
// It matches [ErrOtherPlan], [ErrName] or [ErrUnsound].
func (o Restore) Check(plan *Plan, fingerprint, name string) error {
	if fingerprint != plan.Fingerprint {
		return outcome.Failed("This is the plan as it is now.", "%w", ErrOtherPlan)
	}
	if err := CheckName(o.Environment, name); err != nil {
		return err
	}
	if !o.Unsound && o.needsTick(plan) {
		return outcome.Failed("Tick the box to restore it all the same, or choose another snapshot.", "%w", ErrUnsound)
	}
	return nil
}

// CheckName returns an error that matches [ErrName] unless a person has typed the name of the environment.
func CheckName(environment, typed string) error {
	if typed == environment {
		return nil
	}
	return outcome.Failed("Type the name of the environment as it is written here.", "%w", ErrName)
}
