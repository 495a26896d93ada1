package answer

import (
	"time"

	"firn/upkeep"
)

// Status is the whole status in JSON.
type Status struct {
	Environments []State    `json:"environments"`
	Unlisted     []string   `json:"unlisted,omitempty"` // the errors of patterns and files that give no environment
	Repository   Repository `json:"repository"`
}

// State is the state of an environment's database in JSON.
type State struct {
	State       upkeep.Condition `json:"state"`
	Judged      bool             `json:"judged"` // whether the state counts for the exit code
	NothingYet  bool             `json:"nothing_yet,omitempty"`
	Vanished    string           `json:"vanished,omitempty"` // the path of the file that is gone
	Environment string           `json:"environment"`
	Database    string           `json:"database"`
	SnapshotID  string           `json:"snapshot_id,omitempty"` // the newest
	Time        *time.Time       `json:"time,omitempty"`
	Age         float64          `json:"age"` // seconds
	MaxAge      float64          `json:"max_age"`
	Changed     *time.Time       `json:"changed,omitempty"` // the time of the first of the newest snapshots with the same content
	Size        int64            `json:"size"`
	SizePerDay  int64            `json:"size_per_day"`  // the growth of the database
	AddedPerDay int64            `json:"added_per_day"` // the growth of the repository
	Snapshots   int              `json:"snapshots"`

	Ahead    []string      `json:"ahead,omitempty"`    // IDs of snapshots with a time in the future: a clock was wrong
	Suspect  []string      `json:"suspect,omitempty"`  // the reasons for suspicion of the newest snapshot
	Verified *LastVerified `json:"verified,omitempty"` // the verification of the newest verified snapshot
	Watch    *Watch        `json:"watch,omitempty"`
}

// Repository is the state of the repository in JSON.
type Repository struct {
	Location string     `json:"location"`
	Size     int64      `json:"size"`
	Packs    int        `json:"packs"`
	Free     *int64     `json:"free,omitempty"`    // free bytes on its disk
	Latency  float64    `json:"latency,omitempty"` // of a request, in seconds
	Pruned   *time.Time `json:"pruned,omitempty"`  // null: no prune is known
	Checked  *time.Time `json:"checked,omitempty"` // when every byte was read
	Copied   *time.Time `json:"copied,omitempty"`  // when it was copied to another repository
}

// NewStatus fills a [Status]. The location is that of the repository.
func NewStatus(status *upkeep.Status, location string) Status {
	m := Status{Repository: NewRepository(status, location)}
	for _, st := range status.States {
		m.Environments = append(m.Environments, NewState(st))
	}
	for _, err := range status.Unlisted {
		m.Unlisted = append(m.Unlisted, err.Error())
	}
	return m
}

// NewRepository fills a [Repository].
func NewRepository(status *upkeep.Status, location string) Repository {
	r := Repository{Location: location, Size: status.Usage.Size, Packs: status.Usage.Packs}
	r.Pruned, r.Checked, r.Copied = timeOrNil(status.Done.Pruned), timeOrNil(status.Done.Checked), timeOrNil(status.Done.Copied)
	if status.Free >= 0 {
		r.Free, r.Latency = &status.Free, status.Latency.Seconds()
	}
	return r
}

// LastVerified is the verification of an environment's newest verified snapshot, in JSON.
type LastVerified struct {
	SnapshotID string    `json:"snapshot_id"`
	Time       time.Time `json:"time"` // of the verification
	How        string    `json:"how"`
	Sound      bool      `json:"sound"`
	Problem    string    `json:"problem,omitempty"`

	Checked  time.Time  `json:"checked"`             // when all pages of a snapshot were checked last
	BySQLite *time.Time `json:"by_sqlite,omitempty"` // when SQLite itself did that last
}

// NewState fills a [State].
func NewState(st upkeep.State) State {
	m := State{
		State: st.Condition, Judged: st.Judged && !st.NothingYet, NothingYet: st.NothingYet, Vanished: st.Vanished, Environment: st.Environment, Database: st.Database, Age: st.Age.Seconds(), MaxAge: st.MaxAge.Seconds(),
		Changed: timeOrNil(st.Changed), SizePerDay: st.SizePerDay, AddedPerDay: st.AddedPerDay, Snapshots: st.Snapshots,
	}
	if snap := st.Newest; snap != nil {
		m.SnapshotID, m.Time, m.Size = snap.ID.String(), &snap.Time, snap.Image().Size
	}
	for _, snap := range st.Ahead {
		m.Ahead = append(m.Ahead, snap.ID.String())
	}
	if st.Condition == upkeep.Suspect {
		m.Suspect = st.Newest.Suspect
	}
	m.Watch = newWatch(st.Watch)
	if snap := st.Verified; snap != nil {
		v := snap.Verified
		m.Verified = &LastVerified{snap.ID.String(), v.Time, v.How, v.Sound(), v.Problem, st.Checked, timeOrNil(st.BySQLite)}
	}
	return m
}

// Watch is how a watch gets on with a database, in JSON.
type Watch struct {
	Host    string     `json:"host"`
	PID     int        `json:"pid,omitempty"`
	Since   time.Time  `json:"since"`
	Stored  *time.Time `json:"stored"` // up to when its changes are stored; null: never
	State   string     `json:"state,omitempty"`
	Problem string     `json:"problem,omitempty"`
	Held    bool       `json:"held"`
	Gone    bool       `json:"gone,omitempty"`  // the process is gone
	Stale   bool       `json:"stale,omitempty"` // too far behind
	Store   string     `json:"store,omitempty"` // why the repository takes nothing
	Spool   int64      `json:"spool,omitempty"` // bytes that wait on this host
}

// newWatch fills a [Watch], nil for no watch.
func newWatch(w *upkeep.Watch) *Watch {
	if w == nil {
		return nil
	}
	return &Watch{w.Host, w.PID, w.Since, timeOrNil(w.Stored), w.State, w.Problem, w.Held, w.Gone, w.Stale, w.Store, w.Spool}
}

// timeOrNil returns a pointer to a time, nil for the zero time.
func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
