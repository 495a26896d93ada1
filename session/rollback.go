package session

import (
	"context"
	"fmt"

	"firn/outcome"
	"firn/repo"
)

// lookBack compares the repository with what this host has stored there, and warns of what is missing.
func (s *Session) lookBack(ctx context.Context) error {
	found, err := s.Repo.Rollbacks(ctx)
	if err != nil {
		return err
	}
	for _, b := range found {
		s.warnRollback(b)
		if !b.Uncertain {
			s.rollbacks = append(s.rollbacks, b)
		}
	}
	for _, path := range s.Repo.UnreadMarks() {
		s.Warn("%s is damaged or cannot be read: it should tell what this host has stored last of a database, so this host does not notice if that one was set back. "+
			`Its next backup writes the file anew, and "firn check --accept-rollback" removes it.`, path)
	}
	return nil
}

// warnRollback warns of snapshots that are missing. It is a warning, which --quiet shows too: an attacker may have set the
// repository back to hide something.
func (c *Caller) warnRollback(b *repo.Rollback) {
	if b.Uncertain {
		c.Warn("%s; nothing tells whether a run that knew it has forgotten it, or the repository was set back before the later ones. "+
			`To end this warning: "firn check --accept-rollback".`, c.describeRollback(b))
		return
	}
	c.Warn("the repository may have been set back: %s", c.describeRollback(b))
}

func (c *Caller) describeRollback(b *repo.Rollback) string {
	newest := "there is none left"
	if s := b.Newest; s != nil {
		newest = fmt.Sprintf("the newest is %s of %s, number %d", s.ID.Short(), c.WhenTaken(s), s.Sequence)
	}
	return fmt.Sprintf("snapshot %s of %s, %s, number %d, which was stored from here, is not there; %s",
		b.ID.Short(), b.Environment, c.When(b.Time), b.Sequence, newest)
}

// RollbackError is the error of a command that did its work on a repository which was set back, nil for nil.
func (c *Caller) RollbackError(b *repo.Rollback) error {
	if b == nil {
		return nil
	}
	return outcome.New(fmt.Errorf("%w: %s", outcome.ErrRolledBack, c.describeRollback(b)), outcome.CodeDamage, outcome.WayForward)
}

// Unaccepted is the error of a command that did its work on a repository which was set back, unless that was accepted.
func (s *Session) Unaccepted() error {
	if len(s.rollbacks) == 0 || s.accepted {
		return nil
	}
	return outcome.New(outcome.ErrRolledBack, outcome.CodeDamage, outcome.WayForward)
}

// AcceptRollback makes what is there the state that this host compares with from now on.
func (s *Session) AcceptRollback(ctx context.Context) error {
	if err := s.Repo.AcceptRollback(ctx); err != nil {
		return fmt.Errorf("accept what is in %s: %w", s.Place, err)
	}
	s.accepted = true
	return nil
}
