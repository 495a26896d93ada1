package verify

import (
	"slices"
	"time"

	"firn/session"
	"firn/snapshot"
)

const (
	// sqliteEvery is the time after which SQLite's own checks are due for a database again: a week, and half a day less, so that a
	// weekly run that begins a little earlier than the last one still makes them.
	sqliteEvery = 7*24*time.Hour - 12*time.Hour
	// drillEvery is the time after which an environment's own SQL is due again.
	drillEvery = 24 * time.Hour
)

// Due returns when the newest snapshot of a history of one series is due to be verified: SQLite's own checks are due once a week,
// and the environment's own SQL, if it has some, once a day. The caller may know of a later run of that SQL than the history:
// retention may have removed its snapshot. Snapshots that restores took, and those that are later than now, should not be in the
// history.
func Due(history []*snapshot.Snapshot, ownSQL bool, lastRun, now time.Time) time.Time {
	due := wholly(history, now).Add(sqliteEvery)
	if drill := later(noted(history, now), lastRun, now).Add(drillEvery); ownSQL && drill.Before(due) {
		return drill
	}
	return due
}

// sqliteIsDue reports whether SQLite's own checks are due for the database of a snapshot. They are, too, if they have found it
// unsound last, other than by the environment's own SQL: only they can take that back.
func (r *run) sqliteIsDue(snap *snapshot.Snapshot) bool {
	past, _ := snapshot.SplitAhead(session.OfBackups(r.All), r.Now())
	history := snapshot.BySeries(past)[snap.Series()]
	i := slices.IndexFunc(history, func(s *snapshot.Snapshot) bool { return s.Verified.BySQLite() })
	return i >= 0 && !history[i].Verified.Proven() || !wholly(history, r.Now()).Add(sqliteEvery).After(r.Now())
}

// wholly returns when all of a snapshot of the history was looked at last, as well as that can be done; zero for never. That
// is by SQLite, but for streams, of which no more than the bytes can be known, and for snapshots that a verification has found
// unsound: what it found may have kept SQLite away.
func wholly(history []*snapshot.Snapshot, now time.Time) (last time.Time) {
	for _, s := range history {
		v := s.Verified
		if v.BySQLite() || s.Noted() && (s.IsStream() || !v.Sound()) {
			last = later(last, v.Checked(), now)
		}
	}
	return last
}

// noted returns when a snapshot of the history was verified last, in whatever way; zero for never. A proof that a run made of
// what it has stored does not count.
func noted(history []*snapshot.Snapshot, now time.Time) (last time.Time) {
	for _, s := range history {
		if s.Noted() {
			last = later(last, s.Verified.Time, now)
		}
	}
	return last
}

// later returns the later of two times, the second of which does not count if a wrong clock has made it later than now.
func later(last, t, now time.Time) time.Time {
	if t.After(now) || t.Before(last) {
		return last
	}
	return t
}
