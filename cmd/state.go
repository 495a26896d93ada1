package cmd

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"firn/snapshot"
)

// The states of environments.
const (
	stateOK     = "OK"
	stateStale  = "STALE"
	stateNone   = "NONE"
	stateFuture = "FUTURE"
	stateBad    = "SUSPECT"
)

// state is how one environment's database is kept.
type state struct {
	State       string     `json:"state"`  // OK, STALE, NONE (no snapshot), SUSPECT or FUTURE (newer than now: a clock is wrong)
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

	Suspect  []string       `json:"suspect,omitempty"`  // of the newest: why it is unlikely to be meant
	Verified *verifiedState `json:"verified,omitempty"` // the newest that was

	maxAge time.Duration
}

// verifiedState is the newest verification of an environment.
type verifiedState struct {
	SnapshotID string    `json:"snapshot_id"`
	Time       time.Time `json:"time"` // of the verification
	Sound      bool      `json:"sound"`
}

// states returns the states of all environments, or of the one named, sorted by name.
func (s *session) states(all []*snapshot.Snapshot, environment string, maxAge time.Duration) []*state {
	histories := snapshot.BySeries(ofBackups(filter(all, snapshot.Filter{Environment: environment})))
	var states []*state
	for _, series := range s.backedUp(histories, environment) {
		env := s.conf.Env[series.Environment]
		st := &state{Environment: series.Environment, Database: series.Database, maxAge: defaultMaxAge}
		st.Judged = environment != "" || maxAge != 0 || len(s.conf.Env) == 0 || env != nil && env.Name == series.Database
		if env != nil && env.MaxAge.Duration != 0 {
			st.maxAge = env.MaxAge.Duration
		}
		st.maxAge = cmp.Or(maxAge, st.maxAge)
		st.read(histories[series], s.now())
		states = append(states, st)
	}
	return states
}

// backedUp returns the series of some histories, and those that are configured, sorted.
func (s *session) backedUp(histories map[snapshot.Series][]*snapshot.Snapshot, environment string) []snapshot.Series {
	all := slices.Collect(maps.Keys(histories))
	for name, env := range s.conf.Env {
		if environment == "" || environment == name {
			all = append(all, snapshot.Series{Environment: name, Database: env.Name})
		}
	}
	slices.SortFunc(all, snapshot.Series.Compare)
	return slices.Compact(all)
}

// clockTolerance is how far ahead a snapshot may be: clocks differ.
const clockTolerance = 5 * time.Minute

// read draws the conclusions from a history, newest first.
func (st *state) read(history []*snapshot.Snapshot, now time.Time) {
	st.MaxAge, st.Snapshots = st.maxAge.Seconds(), len(history)
	if len(history) == 0 {
		st.State = stateNone
		return
	}
	newest := history[0]
	age := now.Sub(newest.Time)
	switch {
	case age < -clockTolerance:
		st.State = stateFuture
	case age > st.maxAge:
		st.State = stateStale
	case len(newest.Suspect) > 0:
		st.State, st.Suspect = stateBad, newest.Suspect
	default:
		st.State = stateOK
	}
	st.SnapshotID, st.Time, st.Age, st.Size = newest.ID.String(), &newest.Time, max(0, age.Seconds()), newest.Image().Size
	st.readChanges(history)
	st.SizePerDay, st.AddedPerDay = trend(history)
	st.readVerified(history)
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

func (st *state) readVerified(history []*snapshot.Snapshot) {
	for _, snap := range history {
		if v := snap.Verified; v != nil && (st.Verified == nil || v.Time.After(st.Verified.Time)) {
			st.Verified = &verifiedState{snap.ID.String(), v.Time, v.Sound()}
		}
	}
}
