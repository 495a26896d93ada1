package upkeep

import (
	"context"
	"time"

	"firn/repo"
	"firn/session"
	"firn/snapshot"
)

// Watch is how a watch gets on with a database: as its state file says on this host, or as it has said in the repository.
type Watch struct {
	Host    string
	PID     int // 0 for a watch on another host, or whose state file is not to be found
	Since   time.Time
	Every   time.Duration // between two looks; 0 if it is not known here
	Stored  time.Time     // up to when the changes of the database are stored; zero for never
	State   string        // a word; "" if it is not known here
	Problem string
	Held    bool // a connection is held
	Gone    bool // the process is gone
	Stale   bool // too far behind

	Store string    // why the store takes nothing; "" if it does
	Spool int64     // bytes that wait for the store
	Away  time.Time // since when
}

// Behind returns how far the snapshots are behind the database.
func (w *Watch) Behind(now time.Time) time.Duration { return max(0, now.Sub(w.Stored)) }

// Runs reports whether the watch goes on, as far as is known: a watch on another host says so once an hour.
func (w *Watch) Runs(now time.Time) bool {
	if w.PID == 0 {
		return w.Behind(now) < session.AliveLimit
	}
	return !w.Gone && !w.Stale
}

// leastLag is how far behind a watch may always be: what is slower for a moment, such as a file server that starts anew, is not
// stale yet.
const leastLag = time.Minute

// lagLimit is how many of its intervals a watch may be behind.
const lagLimit = 3

// readWatches adds the watches to the states of their databases, and judges these anew.
func readWatches(ctx context.Context, s *session.Session, states []State) {
	here := s.WatchStates()
	alive, err := s.Repo.Alives(ctx)
	if err != nil {
		s.Detail("what watches say of themselves could not be read: %v", err)
	}
	bySeries := make(map[snapshot.Series]*State, len(states))
	for i := range states {
		bySeries[snapshot.Series{Environment: states[i].Environment, Database: states[i].Database}] = &states[i]
	}
	for _, a := range alive {
		for _, w := range a.Watched {
			if st := bySeries[snapshot.Series{Environment: w.Environment, Database: w.Database}]; st != nil {
				st.readAlive(a, w, s.Now())
			}
		}
	}
	for _, all := range here {
		for _, d := range all.Databases {
			if st := bySeries[snapshot.Series{Environment: d.Environment, Database: d.Database}]; st != nil && st.counts(all) {
				st.readHere(all, d, s.Now())
			}
		}
	}
	for i := range states {
		if st := &states[i]; st.Watch != nil && st.Newest != nil && st.Condition != Gone {
			st.weigh(s.Now())
		}
	}
}

// weigh judges a database with a snapshot by what a watch says of it, too.
func (st *State) weigh(now time.Time) {
	if st.Watch != nil {
		st.Age = min(st.Age, st.Watch.Behind(now))
	}
	st.Condition = st.judge()
}

// readAlive takes the word of a watch about the database from the repository, if it is the newest. It makes an unchanged database
// fresh, also for other hosts.
func (st *State) readAlive(a repo.Alive, w repo.AliveSeries, now time.Time) {
	stored := a.Time
	if !w.Time.IsZero() {
		stored = w.Time
	}
	if stored.After(now.Add(snapshot.ClockTolerance)) || st.Watch != nil && !stored.After(st.Watch.Stored) {
		return
	}
	st.Watch = &Watch{Host: a.Host, Since: a.Began, Every: a.Every, Stored: stored, Problem: w.Problem}
}

// readHere takes the state file of a watch. A file whose process is gone counts until something newer is stored.
func (st *State) readHere(all session.WatchState, d session.WatchedDatabase, now time.Time) {
	w := &Watch{
		Host: all.Host, PID: all.PID, Since: all.Since, Every: d.Every, Stored: d.Stored, State: d.State, Problem: d.Problem, Held: d.Held, Gone: all.Gone,
		Store: all.Problem, Spool: all.SpoolBytes, Away: all.Away,
	}
	limit := max(lagLimit*d.Every, leastLag)
	w.Stale = w.Gone || w.Behind(now) > limit || now.Sub(all.Confirmed) > limit+all.Confirm
	st.Watch = w
}

// counts reports whether the word of a state file still counts.
func (st *State) counts(all session.WatchState) bool {
	return !all.Gone || st.Newest == nil || !st.Newest.Time.After(all.Time)
}
