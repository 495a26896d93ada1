package upkeep

import (
	"cmp"
	"context"
	"time"

	"firn/config"
	"firn/session"
	"firn/snapshot"
)

// Condition says in a word how an environment's backups are.
type Condition string

// The conditions. [State.Condition] is the first that holds, in the order None, Gone, Stale, Suspect, Unsound, Future, OK.
const (
	OK      Condition = "OK"
	Stale   Condition = "STALE"   // the newest snapshot is too old
	None    Condition = "NONE"    // there is no snapshot
	Future  Condition = "FUTURE"  // some snapshots are later than now: a clock was wrong
	Suspect Condition = "SUSPECT" // the newest snapshot is unlikely to be meant
	Unsound Condition = "UNSOUND" // the newest snapshot that was verified was not found sound
	Gone    Condition = "GONE"    // the file of a pattern's environment has vanished; its snapshots are kept
)

// State is how one environment's database is kept. Snapshots that restores have put aside do not count.
type State struct {
	Condition   Condition
	Judged      bool   // the condition counts: the database is configured and has not vanished, or its environment or a limit was asked for
	NothingYet  bool   // there was never a database or a snapshot, and the environment was not asked for
	Vanished    string // the path of the file, if the condition is Gone
	Environment string
	Database    string
	MaxAge      time.Duration // how old the newest snapshot may be
	Snapshots   int

	Newest      *snapshot.Snapshot // nil for none; one that is later than now only if there is no other
	Age         time.Duration      // of the newest
	Changed     time.Time          // of the first of the newest snapshots that are the same
	SizePerDay  int64              // by how much the database grows
	AddedPerDay int64              // by how much the repository grows for it
	Rhythm      time.Duration      // the usual time between its last backups; 0 if it is not known

	Ahead    []*snapshot.Snapshot // later than now
	Verified *snapshot.Snapshot   // the newest that was verified; nil for none
	HasSound bool                 // one was found sound
	Checked  time.Time            // when all pages of a snapshot were checked last; zero for never
	BySQLite time.Time            // when SQLite itself did that last
	Watch    *Watch               // that watches it, on any host; nil for none
}

// states returns the states of all databases with a history or in the configuration, or of those of one environment, sorted by
// name. A limit of the age, if it is not 0, comes before the configured ones.
func states(ctx context.Context, s *session.Session, configured *config.Listing, histories map[snapshot.Series][]*snapshot.Snapshot, o StatusOptions) []State {
	noTables := len(s.Conf.Tables()) == 0
	var states []State
	for _, series := range session.BackedUp(histories, configured.Environments) {
		env := s.Conf.Lookup(series.Environment)
		st := State{Environment: series.Environment, Database: series.Database, MaxAge: config.DefaultMaxAge}
		st.Judged = o.Environment != "" || o.MaxAge != 0 || noTables || env != nil && env.DatabaseName == series.Database
		if env != nil && env.MaxAge.Duration != 0 {
			st.MaxAge = env.MaxAge.Duration
		}
		st.MaxAge = cmp.Or(o.MaxAge, st.MaxAge)
		st.read(histories[series], s.Now())
		if s.Vanished(ctx, configured, series.Environment, series.Database) {
			st.Condition, st.Vanished = Gone, env.Database
			st.Judged = o.Environment != ""
		}
		states = append(states, st)
	}
	return states
}

// read draws the conclusions from a history, newest first. A snapshot that is later than now tells only that a clock is
// wrong. It counts as the newest only if there is no other.
func (st *State) read(history []*snapshot.Snapshot, now time.Time) {
	st.Snapshots = len(history)
	if len(history) == 0 {
		st.Condition = None
		return
	}
	history, st.Ahead = snapshot.SplitAhead(history, now)
	if len(history) == 0 {
		history = st.Ahead
	}
	st.Newest = history[0]
	st.Age = max(0, now.Sub(st.Newest.Time))
	st.readChanges(history)
	st.SizePerDay, st.AddedPerDay = trend(history)
	st.Rhythm = rhythm(history)
	st.readVerified(history)
	st.Condition = st.judge()
}

// judge returns the worst condition that is known.
func (st *State) judge() Condition {
	switch {
	case st.Watch != nil && st.Watch.Stale, st.Age > st.MaxAge:
		return Stale
	case len(st.Newest.Suspect) > 0:
		return Suspect
	case st.Verified != nil && !st.Verified.Verified.Sound():
		return Unsound
	case len(st.Ahead) > 0:
		return Future
	}
	return OK
}

// readChanges finds since when nothing has changed.
func (st *State) readChanges(history []*snapshot.Snapshot) {
	for _, snap := range history {
		if snap.Image().Root != history[0].Image().Root {
			return
		}
		st.Changed = snap.Time
	}
}

// readVerified finds the newest snapshot that was verified, and the last check of all pages. An older verification says nothing
// about the database as it is backed up now, unless it has found something that nothing has looked for since.
func (st *State) readVerified(history []*snapshot.Snapshot) {
	st.HasSound = len(snapshot.Sound(history)) > 0
	unsettled := snapshot.Unsettled(history)
	for _, snap := range history {
		v := snap.Verified
		if v == nil {
			continue
		}
		if st.Verified == nil && unsettled[snap] == nil {
			st.Verified = snap
		}
		if v.Checked().After(st.Checked) {
			st.Checked = v.Checked()
		}
		if v.BySQLite() && v.Checked().After(st.BySQLite) {
			st.BySQLite = v.Checked()
		}
	}
}
