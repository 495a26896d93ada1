package watch

import (
	"fmt"
	"time"

	"firn/config"
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
	untold  bool // the log was not told of the fault yet
	// expected: the file is missing and never had a snapshot, so that a restore may be to make it, and nothing is wrong
	expected bool

	seen      bool // it was looked at
	taken     bool // this watch has stored a snapshot of it
	taking    bool // a round is reading it
	basing    bool // its base is being taken apart from the rounds
	changed   bool // it may have changed since its last snapshot
	fails     int64
	rounds    int64     // with a snapshot of it
	holes     int64     // of how many windows the states were not stored
	missed    bool      // a round with its changes has failed
	stored    time.Time // up to when its changes are stored; zero for never
	latest    *snapshot.Snapshot
	complaint complaint // about its newest snapshot
	wholes    wholePace // of the checks of all its pages
	setBack   bool      // its newest snapshot was stored into a repository that was set back
	success   time.Time // of the last round in which it was found unchanged or was stored
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
// A watch that runs once returns it instead. Of a file that is missing the rounds know more: see [Watch.tellMissing].
func (w *Watch) fail(d *database, now instant, err error) {
	state := stateOf(err)
	d.fails++
	d.retry.fail(now, longestPause(state))
	if d.fault == nil || d.state == Elsewhere && state != Elsewhere { // until then it was in good hands
		d.faulty, d.alarmed = now, false
	}
	news := d.fault == nil || d.state != state
	d.fault, d.state = err, state
	d.untold = d.untold || news
}

// tellFaults tells the faults that have begun. An environment whose database is still to be made, as by a restore, has none: so
// it is for a backup, too. It never had a snapshot, is no file of a pattern, and was not named. A lock that is free again within
// some seconds is none: long transactions lock a database with a rollback journal.
func (w *Watch) tellFaults(now instant) {
	var elsewhere []*database
	for _, d := range w.databases {
		young := d.state == Locked && now.since-d.faulty.since < longestPause(Locked)
		if !d.untold || young || d.state == Missing && (w.rounds == nil || w.engineBusy) {
			continue
		}
		d.untold = false
		d.expected = d.state == Missing && !d.taken && d.env.Pattern == "" && len(w.options.Environments) == 0 && w.rounds.Latest(d.series()) == nil
		if d.expected {
			w.tellOf(d, Fact, kindFault, "nothing yet: %s is not there, and never had a snapshot; it is watched as soon as it is there", d.env.Database)
		} else if d.state == Elsewhere && !w.options.Once {
			elsewhere = append(elsewhere, d)
		} else if d.fault != nil && !w.options.Once {
			w.tellFault(d)
		}
	}
	w.tellElsewhere(elsewhere)
}

// tellElsewhere tells of databases that another process has, by one line: it may have all of a thousand.
func (w *Watch) tellElsewhere(list []*database) {
	if len(list) == 1 {
		w.tellFault(list[0])
	}
	if len(list) < 2 {
		return
	}
	var names []string
	for _, d := range list {
		names = append(names, d.env.Name)
	}
	w.tell(Fact, kindFault, `%d databases are watched or backed up by another process, and are taken over when it ends: %s. "firn status" says how they get on.`,
		len(list), shortList(names))
}

// tellFault tells what is wrong with a database, and what becomes of that.
func (w *Watch) tellFault(d *database) {
	level := Problem
	if d.state == Elsewhere {
		level = Fact
	}
	again := ""
	if d.state != Unsuited {
		again = fmt.Sprintf(" It is tried again, after %s at most.", retention.FormatDuration(longestPause(d.state)))
	}
	w.tellOf(d, level, kindFault, "%s: %v.%s %s", d.state, d.fault, again, hintOf(d.fault))
}

// recover notes that a database is well. If it was not, that is told, with the window whose states were not stored.
func (w *Watch) recover(d *database, now instant) {
	d.retry.reset()
	if d.fault == nil {
		return
	}
	if !d.stored.IsZero() && !d.untold { // the first snapshot is told by itself
		text := "it is watched again after " + report.Elapsed(now.since-d.faulty.since)
		if d.state != Elsewhere {
			d.holes++
			text += "; its states between " + w.when(d.stored) + " and " + w.when(now.wall) + ", if there were any, are not stored"
		}
		w.tellOf(d, Fact, kindWell, "%s", text)
	}
	d.fault, d.missed, d.expected, d.untold = nil, false, false, false
}

// storedRound notes that a round holds a snapshot of the database as it was when the round began, or later.
func (w *Watch) storedRound(d *database, now instant, began time.Time, result *repo.BackupResult) {
	if !d.taken {
		news := report.Size(result.Scanned) + " read, " + report.Size(result.Snapshot.Added) + " added"
		if result.Skipped {
			news = "unchanged since snapshot " + result.Snapshot.ID.Short()
		}
		w.tellOf(d, Fact, kindBase, "watched from now on: %s, %s", report.Size(result.Snapshot.Image().Size), news)
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
	if d.complaint.kind != "" {
		d.state = d.complaint.state
	}
}

// when returns a time for people, to the second.
func (w *Watch) when(t time.Time) string {
	return t.In(w.zone).Format("2006-01-02 15:04:05 MST")
}
