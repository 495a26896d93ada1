package session

import (
	"fmt"
	"strings"
	"time"

	"firn/snapshot"
)

// WarnHeldUp tells that a slow store keeps a database open for reading.
func (c *Caller) WarnHeldUp(environment string, reason error) {
	c.Warn("%s: the store is slow, and what it cannot take yet cannot be put aside: %v. Until it is stored the database is open for reading, and a WAL "+
		"cannot be checkpointed. Make room there, or set TMPDIR to a folder with more", environment, reason)
}

// WarnLocked tells that a database with a rollback journal is read under its lock.
func (c *Caller) WarnLocked(environment string, forever bool, reason error) {
	limit := "for 2 seconds at most"
	if forever {
		limit = "for as long as that takes"
	}
	c.Warn("%s: the database cannot be put aside: %v. It is read under its lock, and keeps its application from committing, %s. "+
		"Make room, set TMPDIR to a folder with more, or use WAL mode", environment, reason, limit)
}

// maxHit is the number of snapshots that a message names at most.
const maxHit = 10

// ShortList names snapshots by ID and time, ten at most.
func (c *Caller) ShortList(hit []*snapshot.Snapshot) string {
	var parts []string
	for _, snap := range hit[:min(len(hit), maxHit)] {
		parts = append(parts, fmt.Sprintf("%s (%s)", snap.ID.Short(), c.WhenTaken(snap)))
	}
	if more := len(hit) - maxHit; more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(parts, ", ")
}

// When returns a time for people.
func (c *Caller) When(t time.Time) string { return t.In(c.Zone).Format("2006-01-02 15:04 MST") }

// WhenTaken returns the time of a snapshot for people: down to the second if a watch took it.
func (c *Caller) WhenTaken(s *snapshot.Snapshot) string {
	if s.Round.IsZero() {
		return c.When(s.Time)
	}
	return s.Time.In(c.Zone).Format("2006-01-02 15:04:05 MST")
}

// WarnUnacknowledged warns of snapshots whose run was killed before it acknowledged them, and whose data is gone.
func (c *Caller) WarnUnacknowledged(list []*snapshot.Snapshot) {
	for _, s := range list {
		c.Warn("snapshot %s of %s was never acknowledged: its run on %s was killed before that, and what it relied on is gone. Nothing is lost: a prune removes it when it is a day old, or %s",
			s.ID.Short(), s.Environment, s.Writer(), `"firn forget `+s.ID.Short()+`"`)
	}
}
