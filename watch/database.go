package watch

import (
	"fmt"
	"time"

	"firn/config"
	"firn/outcome"
	"firn/repo"
	"firn/report"
	"firn/retention"
	"firn/snapshot"
	"firn/sqlite"
)

// database is a database that is watched, and how the watch gets on with it. Only the loop touches it.
type database struct {
	env   *config.Environment
	every time.Duration // its interval

	unlock   func()   // lets go of its lock; nil: the lock is not held
	follower Follower // nil: not opened
	follow   sqlite.FollowerState
	size     int64 // of its file when it was opened
	call     *call // under way; nil for none
	quiet    bool  // its connection was let go of, since nothing changed for long
	gone     bool  // it is not watched any more

	due     timer   // of its next round
	retry   backoff // of the next attempt after a fault
	state   State
	fault   error // nil for none
	faulty  instant
	alarmed bool // monitors were told of the fault

	seen    bool // it was looked at
	taken   bool // this watch has stored a snapshot of it
	taking  bool // a round is reading it
	basing  bool // its base is being taken apart from the rounds
	changed bool // it may have changed since its last snapshot
	fails   int64
	rounds  int64     // with a snapshot of it
	holes   int64     // of how many windows the states were not stored
	missed  bool      // a round with its changes has failed
	stored  time.Time // up to when its changes are stored; zero for never
	latest  *snapshot.Snapshot
	suspect string    // why its newest snapshot is suspect
	setBack bool      // its newest snapshot was stored into a repository that was set back
	success time.Time // of the last round in which it was found unchanged or was stored
}

// series returns the series of its snapshots.
func (d *database) series() snapshot.Series {
	return snapshot.Series{Environment: d.env.Name, Database: d.env.DatabaseName}
}

// ready reports whether a round can take the database now.
func (d *database) ready(now instant) bool {
	return d.follower != nil && d.call == nil && !d.basing && d.due.due(now) && d.retry.due(now)
}

// settle sets the time of the next round. The times of all databases with the same interval are the same, so that one round takes
// them all.
func (d *database) settle(now instant) {
	d.due.align(now, d.every)
}

// fail notes that a database failed, and when the next attempt is. The fault is told when it begins, and when its reason changes.
func (w *Watch) fail(d *database, now instant, err error) {
	state := stateOf(err)
	d.fails++
	d.retry.fail(now, longestPause(state))
	if d.fault == nil {
		d.faulty, d.alarmed = now, false
	}
	news := d.fault == nil || d.state != state
	d.fault, d.state = err, state
	if !news {
		return
	}
	level := Problem
	if state == Elsewhere {
		level = Fact
	}
	w.tellOf(d, level, kindFault, "%s (tried again after %s, later every %s): %s",
		state, retention.FormatDuration(d.retry.pause), retention.FormatDuration(longestPause(state)), withHint(err))
}

// recover notes that a database is well. If it was not, that is told, with the window whose states were not stored.
func (w *Watch) recover(d *database, now instant) {
	d.retry.reset()
	if d.fault == nil {
		return
	}
	lasted := now.since - d.faulty.since
	text := "it is watched again after " + report.Elapsed(lasted)
	if !d.stored.IsZero() && d.state != Elsewhere {
		d.holes++
		text += "; its states between " + w.when(d.stored) + " and " + w.when(now.wall) + ", if there were any, are not stored"
	}
	w.tellOf(d, Fact, kindWell, "%s", text)
	d.fault, d.missed = nil, false
}

// storedRound notes that a round holds a snapshot of the database as it was when the round began, or later.
func (w *Watch) storedRound(d *database, now instant, began time.Time, result *repo.BackupResult) {
	if !d.taken {
		w.tellOf(d, Fact, kindBase, "watched from now on: %s, %s read, %s added", report.Size(result.Snapshot.Image().Size),
			report.Size(result.Scanned), report.Size(result.Snapshot.Added))
	}
	d.rounds++
	w.hour.stored(d)
	d.taken, d.changed, d.missed, d.latest = true, false, false, result.Snapshot
	w.upToDate(d, now, began)
	w.judge(d, result)
}

// upToDate notes that everything up to a time is stored.
func (w *Watch) upToDate(d *database, now instant, upTo time.Time) {
	w.hour.lagged(d, upTo)
	w.recover(d, now)
	if upTo.After(d.stored) || upTo.Before(d.stored.Add(-jumpTolerance)) { // the second: the clock was set back
		d.stored = upTo
	}
	d.state, d.success = Watched, now.wall
	if d.suspect != "" {
		d.state = Suspicious
	}
}

// judge tells once that the snapshots of a database have become suspect, or are not any more.
func (w *Watch) judge(d *database, result *repo.BackupResult) {
	reason := ""
	if list := result.Snapshot.Suspect; len(list) > 0 {
		reason = list[0]
	}
	switch {
	case reason != "" && d.suspect == "":
		w.alarm(d.env, fmt.Errorf("snapshot %s is suspect: %s", result.Snapshot.ID.Short(), reason))
		w.tellOf(d, Problem, kindSuspect, `snapshot %s is stored, and suspect: %s. If that is meant: "firn backup %s --accept" while no watch has it.`,
			result.Snapshot.ID.Short(), reason, report.QuoteWord(d.env.Name))
	case reason == "" && d.suspect != "":
		w.tellOf(d, Fact, kindSuspect, "its snapshots are not suspect any more")
	}
	if result.Rollback != nil && !d.setBack {
		w.tellOf(d, Problem, kindSuspect, "%v: a snapshot that this host has stored is not there. %s", outcome.ErrRolledBack, outcome.WayForward)
		w.alarm(d.env, outcome.ErrRolledBack)
	}
	d.setBack = result.Rollback != nil
	d.suspect = reason
	if reason != "" {
		d.state = Suspicious
	}
}

// when returns a time for people, to the second.
func (w *Watch) when(t time.Time) string {
	return t.In(w.zone).Format("2006-01-02 15:04:05 MST")
}
