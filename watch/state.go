package watch

import (
	"errors"
	"io/fs"
	"time"

	"firn/outcome"
	"firn/site"
	"firn/sqlite"
	"firn/store"
)

// State says in a word how a watch gets on with a database. Each has its line in docs/operations.md.
type State string

// The states of a database. All but the first three are faults.
const (
	Opening State = "opening" // not looked at yet
	Waiting State = "waiting" // for the first snapshot by this watch
	Watched State = "watched"

	Elsewhere  State = "elsewhere"     // another process watches it or backs it up
	Missing    State = "missing"       // there is no file
	Locked     State = "locked"        // its application keeps it locked, in EXCLUSIVE mode for instance
	NotYet     State = "no database"   // an empty file, or another one
	Damaged    State = "damaged"       // SQLite finds it corrupt
	Denied     State = "denied"        // without permission
	Stuck      State = "not answering" // a call to the file system hangs
	NoRoom     State = "no room"       // for what a reading needs beside the database
	Unsuited   State = "unsuited"      // its configuration cannot be watched
	Broken     State = "broken"        // firn's own code has failed
	Failing    State = "failing"       // for another reason
	Suspicious State = "suspect"       // its snapshots are stored, and are suspect
)

// errUnsuited is the error of a database that is configured so that it cannot be watched.
var errUnsuited = outcome.Failed(`Write watch = false, and let "firn backup" take it from a schedule.`, `export = "compact" writes a new file each time, which cannot be followed`)

// stateOf returns the state of a database that fails with an error.
func stateOf(err error) State {
	for _, is := range []struct {
		match func(error) bool
		state State
	}{
		{outcome.Is(outcome.ErrRunning), Elsewhere},
		{isPanic, Broken},
		{outcome.Is(errUnsuited), Unsuited},
		{outcome.Is(outcome.ErrStuck), Stuck},
		{outcome.Is(sqlite.ErrBusy, sqlite.ErrHoldsUp), Locked},
		{outcome.Is(fs.ErrNotExist), Missing},
		{outcome.Is(fs.ErrPermission), Denied},
		{outcome.Is(sqlite.ErrEmpty, sqlite.ErrNotDatabase, sqlite.ErrNotFile), NotYet},
		{outcome.Is(sqlite.ErrCorrupt), Damaged},
		{outcome.Is(sqlite.ErrNoSpace, store.ErrNoSpace), NoRoom},
	} {
		if is.match(err) {
			return is.state
		}
	}
	return Failing
}

func isPanic(err error) bool {
	_, ok := errors.AsType[*site.PanicError](err)
	return ok
}

// longestPause returns the longest time between two attempts at a database in a state. Whether a file is there and whether a lock
// is free costs a system call, and people wait for the answer. Everything else may read the database, or wake a disk.
func longestPause(s State) time.Duration {
	switch {
	case s == Elsewhere:
		return 2 * time.Second
	case s.passing():
		return 10 * time.Second
	}
	return 5 * time.Minute
}

// passing reports whether a fault often passes by itself, and costs no more than a system call to look at.
func (s State) passing() bool { return s == Missing || s == Locked || s == NotYet }
