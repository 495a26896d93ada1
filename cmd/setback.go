package cmd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"firn/repo"
)

// errSetBack is what each command ends with, also when it did what it was asked, as long as
// the repository shows less than this host has stored, and nobody has accepted that.
var errSetBack = errors.New("the repository has been set back")

// wayForward is how to accept it.
const wayForward = `Is the right disk mounted, or was an old copy put back? To go on with what is there: "firn check --accept-rollback".`

// setBackInfo is in JSON what [repo.Rollback] says.
type setBackInfo struct {
	SnapshotID     string    `json:"snapshot_id"` // that is missing
	Environment    string    `json:"environment"`
	Database       string    `json:"database"`
	Time           time.Time `json:"time"`
	Sequence       uint64    `json:"sequence"`
	Newest         string    `json:"newest,omitempty"`
	NewestSequence uint64    `json:"newest_sequence"`
}

func newSetBack(b *repo.Rollback) *setBackInfo {
	info := &setBackInfo{
		SnapshotID: b.ID.String(), Environment: b.Environment, Database: b.Database, Time: b.Time, Sequence: b.Sequence,
	}
	if b.Newest != nil {
		info.Newest, info.NewestSequence = b.Newest.ID.String(), b.Newest.Sequence
	}
	return info
}

// lookBack compares the repository with what this host knows of it. An error of the look is one
// of the command's, too.
func (s *session) lookBack(ctx context.Context) error {
	found, err := s.repo.Rollbacks(ctx)
	if err != nil {
		return err
	}
	for _, b := range found {
		s.warnSetBack(b)
		if !b.Uncertain {
			s.setBack = append(s.setBack, b)
		}
	}
	for _, path := range s.repo.UnreadMarks() {
		s.warn("%s is damaged or cannot be read: it should tell what this host has stored last of a database, so nobody notices here if that one was set back. "+
			`Its next backup writes the file anew, and "firn check --accept-rollback" removes it.`, path)
	}
	return nil
}

// warnSetBack is heard with --quiet, too: who sets a repository back may want to
// hide something.
func (c *caller) warnSetBack(b *repo.Rollback) {
	if b.Uncertain {
		c.warn("%s; nothing tells whether a run that knew it has forgotten it, or the repository was set back before the later ones. "+
			`To end this warning: "firn check --accept-rollback".`, c.describeSetBack(b))
		return
	}
	c.warn("the repository may have been set back: %s", c.describeSetBack(b))
}

func (c *caller) describeSetBack(b *repo.Rollback) string {
	newest := "there is none left"
	if s := b.Newest; s != nil {
		newest = fmt.Sprintf("the newest is %s of %s, number %d", s.ID.Short(), c.when(s.Time), s.Sequence)
	}
	return fmt.Sprintf("snapshot %s of %s, %s, number %d, which was stored from here, is not there; %s",
		b.ID.Short(), b.Environment, c.when(b.Time), b.Sequence, newest)
}

// setBackError is the outcome of a command, or of an environment's backup, that did all else.
func (c *caller) setBackError(b *repo.Rollback) error {
	if b == nil {
		return nil
	}
	return newProblem(fmt.Errorf("%w: %s", errSetBack, c.describeSetBack(b)), exitDamage, wayForward)
}

// unaccepted is the outcome of a command that did all else.
func (s *session) unaccepted() error {
	if len(s.setBack) == 0 || s.accepted {
		return nil
	}
	return newProblem(errSetBack, exitDamage, wayForward)
}

// acceptSetBack has this host take what is there for true.
func (s *session) acceptSetBack(ctx context.Context) error {
	if err := s.repo.AcceptRollback(ctx); err != nil {
		return fmt.Errorf("accept what is in %s: %w", s.place, err)
	}
	s.accepted = true
	return nil
}
