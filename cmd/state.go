package cmd

import (
	"cmp"
	"time"

	"firn/config"
	"firn/session"
	"firn/snapshot"
)

// The states of environments.
const (
	stateOK     = "OK"
	stateStale  = "STALE"
	stateNone   = "NONE"
	stateFuture = "FUTURE"
	stateBad    = "SUSPECT"
	stateFailed = "UNSOUND"
)

// state is how one environment's database is kept.
type state struct {
	State       string     `json:"state"`  // OK, STALE, NONE (no snapshot), SUSPECT, UNSOUND (by the last verification) or FUTURE (some are later than now)
	Judged      bool       `json:"judged"` // it counts for the exit code
	Environment string     `json:"environment"`
	Database    string     `json:"database"`
	SnapshotID  string     `json:"snapshot_id,omitempty"` // the newest
	Time        *time.Time `json:"time,omitempty"`
	Age         float64    `json:"age"` // seconds
	MaxAge      float64    `json:"max_age"`
	Changed     *time.Time `json:"changed,omitempty"` // the first of the newest snapshots that are the same
	Size        int64      `json:"size"`
	SizePerDay  int64      `json:"size_per_day"`  // by how much the database grows
	AddedPerDay int64      `json:"added_per_day"` // by how much the repository does
	Snapshots   int        `json:"snapshots"`

	Ahead    []string       `json:"ahead,omitempty"`    // IDs of snapshots that are later than now: a clock was wrong
	Suspect  []string       `json:"suspect,omitempty"`  // of the newest: why it is unlikely to be meant
	Verified *verifiedState `json:"verified,omitempty"` // of the newest that was

	maxAge time.Duration
	ahead  []*snapshot.Snapshot
	stream bool // the newest is no database
	sound  bool // one was found so
}

// verifiedState is the verification of the newest snapshot of an environment that has one.
type verifiedState struct {
	SnapshotID string    `json:"snapshot_id"`
	Time       time.Time `json:"time"` // of the verification
	Sound      bool      `json:"sound"`
	Problem    string    `json:"problem,omitempty"`
}

// states returns the states of all environments, or of the one named, sorted by name.
func states(s *session.Session, all []*snapshot.Snapshot, environment string, maxAge time.Duration) []*state {
	histories := snapshot.BySeries(session.OfBackups(session.Filter(all, snapshot.Filter{Environment: environment})))
	var states []*state
	for _, series := range s.BackedUp(histories, environment) {
		env := s.Conf.Env[series.Environment]
		st := &state{Environment: series.Environment, Database: series.Database, maxAge: config.DefaultMaxAge}
		st.Judged = environment != "" || maxAge != 0 || len(s.Conf.Env) == 0 || env != nil && env.DatabaseName == series.Database
		if env != nil && env.MaxAge.Duration != 0 {
			st.maxAge = env.MaxAge.Duration
		}
		st.maxAge = cmp.Or(maxAge, st.maxAge)
		st.read(histories[series], s.Now())
		states = append(states, st)
	}
	return states
}

// read draws the conclusions from a history, newest first. What is later than now tells
// nothing but that a clock is wrong, unless there is nothing else.
func (st *state) read(history []*snapshot.Snapshot, now time.Time) {
	st.MaxAge, st.Snapshots = st.maxAge.Seconds(), len(history)
	if len(history) == 0 {
		st.State = stateNone
		return
	}
	history, st.ahead = snapshot.SplitAhead(history, now)
	for _, snap := range st.ahead {
		st.Ahead = append(st.Ahead, snap.ID.String())
	}
	if len(history) == 0 {
		history = st.ahead
	}
	newest := history[0]
	age := now.Sub(newest.Time)
	st.SnapshotID, st.Time, st.Age, st.Size = newest.ID.String(), &newest.Time, max(0, age.Seconds()), newest.Image().Size
	st.stream = newest.IsStream()
	st.readChanges(history)
	st.SizePerDay, st.AddedPerDay = trend(history)
	st.readVerified(history)
	st.judge(newest, age)
}

// judge says the worst that is known.
func (st *state) judge(newest *snapshot.Snapshot, age time.Duration) {
	switch {
	case age > st.maxAge:
		st.State = stateStale
	case len(newest.Suspect) > 0:
		st.State, st.Suspect = stateBad, newest.Suspect
	case st.Verified != nil && !st.Verified.Sound:
		st.State = stateFailed
	case len(st.ahead) > 0:
		st.State = stateFuture
	default:
		st.State = stateOK
	}
}

// readChanges finds since when nothing has changed.
func (st *state) readChanges(history []*snapshot.Snapshot) {
	for _, snap := range history {
		if snap.Image().Root != history[0].Image().Root {
			return
		}
		st.Changed = &snap.Time
	}
}

// trendSpan is over how long a trend is taken, and trendLeast from when on there is one.
const (
	trendSpan  = 7 * 24 * time.Hour
	trendLeast = time.Hour
)

// trend compares the newest of a history with about a week ago: by how much the database
// grows in a day, and by how much the repository does for it.
func trend(history []*snapshot.Snapshot) (sizePerDay, addedPerDay int64) {
	if len(history) == 0 {
		return 0, 0
	}
	var added int64
	old := history[0]
	for _, snap := range history {
		if history[0].Time.Sub(snap.Time) > trendSpan {
			break
		}
		added += old.Added // of those after the oldest one
		old = snap
	}
	span := history[0].Time.Sub(old.Time)
	if span < trendLeast {
		return 0, 0
	}
	perDay := float64(24*time.Hour) / float64(span)
	return int64(float64(history[0].Image().Size-old.Image().Size) * perDay), int64(float64(added) * perDay)
}

// readVerified finds the newest snapshot that was verified. What is known of older ones
// says nothing of what is backed up now.
func (st *state) readVerified(history []*snapshot.Snapshot) {
	st.sound = len(snapshot.Sound(history)) > 0
	for _, snap := range history {
		if v := snap.Verified; v != nil && st.Verified == nil {
			st.Verified = &verifiedState{snap.ID.String(), v.Time, v.Sound(), v.Problem}
		}
	}
}
