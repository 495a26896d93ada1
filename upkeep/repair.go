package upkeep

import (
	"context"
	"fmt"

	"firn/repo"
	"firn/report"
	"firn/session"
)

// Repair is a repair of a repository under way: [Diagnose] begins it, [Repair.Run] does it, [Repair.Close] ends it. No
// other repair of this host runs meanwhile.
type Repair struct {
	Diagnosis *repo.Diagnosis // what is damaged, what can be put right, and what is lost
	session   *session.Session
	release   func()
}

// Diagnose reads and verifies every byte, and finds out what can be put right. It changes nothing. The session was opened
// for a repair.
func Diagnose(ctx context.Context, s *session.Session) (*Repair, error) {
	l, err := s.Lock("repair")
	if err != nil {
		return nil, err
	}
	m := s.Progress("check", 0)
	d, err := s.Repo.Diagnose(ctx, m.SetTotal)
	m.Done()
	if err != nil {
		l.Release()
		return nil, fmt.Errorf("check %s: %w", s.Place, err)
	}
	return &Repair{d, s, l.Release}, nil
}

// Close lets another repair run.
func (r *Repair) Close() { r.release() }

// Needed reports whether there is anything to do: to put something right, or to forget the snapshots that cannot be
// restored.
func (r *Repair) Needed(forgetLost bool) bool {
	return r.Diagnosis.Repairs() || forgetLost && len(r.Diagnosis.Lost) > 0
}

// Run does what the diagnosis says, if that is needed. With forgetLost it forgets the snapshots that cannot be restored.
// Without an error no damage is left. With an error and a result, the result was done, and the error says what is lost
// or left. Without a result the repair has stopped; another one goes on.
func (r *Repair) Run(ctx context.Context, forgetLost bool) (*repo.RepairResult, error) {
	result := &repo.RepairResult{}
	if r.Needed(forgetLost) {
		var err error
		if result, err = r.session.Repo.Repair(ctx, r.Diagnosis, repo.RepairOptions{ForgetLost: forgetLost}); err != nil {
			return nil, fmt.Errorf("%w: run it again, it goes on where this one stopped", err)
		}
	}
	return result, r.left(len(r.Diagnosis.Lost) - len(result.Forgotten))
}

// Found is the error for what the diagnosis found, for a caller that changes nothing. It is nil if there is no damage that
// [Repair.Run] would put right or report.
func (r *Repair) Found(forgetLost bool) error {
	if !r.Needed(forgetLost) {
		return r.left(len(r.Diagnosis.Lost))
	}
	return damage(r.session, report.Plural(len(r.Diagnosis.Check.Findings), "finding"), "Without --dry-run it is done.")
}

// left is the outcome after a repair: some snapshots cannot be restored, or some objects are damaged.
func (r *Repair) left(lost int) error {
	switch left := len(r.Diagnosis.Left); {
	case lost > 0:
		return damage(r.session, report.Plural(lost, "snapshot")+" cannot be restored", hintHeal)
	case left > 0:
		return damage(r.session, report.Plural(left, "finding"), "Put the named objects back from a copy of the repository, or run this on another host that has used it.")
	}
	return nil
}
