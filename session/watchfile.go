package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"firn/site"
)

// WatchState is what a watch on this host says of itself, for "firn status". It is no record of the repository.
type WatchState struct {
	PID         int           `json:"pid"`
	Host        string        `json:"host"`
	Since       time.Time     `json:"since"`     // when the watch began
	Time        time.Time     `json:"time"`      // when this was written
	Confirmed   time.Time     `json:"confirmed"` // up to when all snapshots are confirmed; zero for never
	Confirm     time.Duration `json:"confirm"`   // between two confirmations
	Unconfirmed int           `json:"unconfirmed"`
	Rounds      int64         `json:"rounds"`
	Problem     string        `json:"problem,omitempty"` // of the store
	Away        time.Time     `json:"away,omitzero"`     // since when the store has it

	SpoolObjects int       `json:"spool_objects,omitempty"`
	SpoolBytes   int64     `json:"spool_bytes,omitempty"`
	SpoolSince   time.Time `json:"spool_since,omitzero"`

	Databases []WatchedDatabase `json:"databases"`

	Gone bool `json:"-"` // the process is gone
}

// WatchedDatabase is a database of a [WatchState].
type WatchedDatabase struct {
	Environment string           `json:"environment"`
	Database    string           `json:"database"`
	Every       time.Duration    `json:"every"`
	Stored      time.Time        `json:"stored,omitzero"` // up to when its changes are stored; zero for never
	State       string           `json:"state"`
	Problem     string           `json:"problem,omitempty"`
	Since       time.Time        `json:"since,omitzero"` // of the problem
	JournalMode string           `json:"journal_mode,omitempty"`
	Held        bool             `json:"held"`
	NotHeld     string           `json:"not_held,omitempty"`
	Full        map[string]int64 `json:"full,omitempty"` // readings of the whole database, by cause
	Rounds      int64            `json:"rounds"`
	Failures    int64            `json:"failures,omitempty"`
	Holes       int64            `json:"holes,omitempty"` // windows whose states are not stored
}

// WatchFile is the file in which a watch says how it gets on. A lock beside it, which the operating system lets go of, tells whether
// its process is still there. A nil file takes no state.
type WatchFile struct {
	path string
	lock *flock.Flock
}

// lockWait is how long the lock of a new state file may be held by a reader.
const lockWait = time.Second

// NewWatchFile begins a state file of this process, and removes those of processes that are gone.
func (s *Session) NewWatchFile(ctx context.Context) (*WatchFile, error) {
	prefix, err := s.watchPrefix()
	if err != nil {
		return nil, err
	}
	for _, path := range watchFiles(prefix) {
		if gone(path) {
			_ = site.RemoveFile(path) // it only informs people
			_ = site.RemoveFile(lockOf(path))
		}
	}
	f := &WatchFile{path: prefix + strconv.Itoa(os.Getpid()) + ".json"}
	f.lock = flock.New(lockOf(f.path), flock.SetPermissions(site.PrivateMode))
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	if _, err := f.lock.TryLockContext(ctx, 20*time.Millisecond); err != nil {
		return nil, fmt.Errorf("state file of the watch: %w", errors.Join(err, f.lock.Close()))
	}
	return f, nil
}

// Write replaces the state. A reader gets the whole old state or the whole new one.
func (f *WatchFile) Write(st WatchState) error {
	if f == nil {
		return nil
	}
	b, err := json.Marshal(st)
	if err != nil {
		return err
	}
	temporary, err := site.CreatePrivate(filepath.Dir(f.path), filepath.Base(f.path)+"-*", func(file *os.File) error {
		_, err := file.Write(b)
		return err
	})
	if err != nil {
		return err
	}
	return os.Rename(temporary, f.path)
}

// Close removes the file: a watch that has ended as it should is no news.
func (f *WatchFile) Close() error {
	if f == nil {
		return nil
	}
	return errors.Join(site.RemoveFile(f.path), site.RemoveFile(lockOf(f.path)), f.lock.Close())
}

// WatchStates returns the states of the watches of this repository on this host, of those whose process is gone, too. Files that
// cannot be read are left out: they only inform people.
func (s *Session) WatchStates() (states []WatchState) {
	prefix, err := s.watchPrefix()
	if err != nil {
		return nil
	}
	for _, path := range watchFiles(prefix) {
		var st WatchState
		b, err := os.ReadFile(path)
		if err != nil || json.Unmarshal(b, &st) != nil {
			continue
		}
		st.Gone = gone(path)
		states = append(states, st)
	}
	return states
}

// AliveLimit is how old the sign of life of a watch may be: it comes once an hour.
const AliveLimit = 3 * time.Hour

// Watched returns the environments that are watched, by any host, as far as this one can tell.
func (s *Session) Watched(ctx context.Context) map[string]bool {
	watched := make(map[string]bool)
	for _, st := range s.WatchStates() {
		for _, d := range st.Databases {
			watched[d.Environment] = watched[d.Environment] || !st.Gone
		}
	}
	alive, err := s.Repo.Alives(ctx)
	if err != nil {
		s.Detail("what watches say of themselves could not be read: %v", err)
	}
	for _, a := range alive {
		for _, d := range a.Watched {
			watched[d.Environment] = watched[d.Environment] || s.Now().Sub(a.Time) < AliveLimit
		}
	}
	return watched
}

// watchPrefix returns the beginning of the paths of all state files of the repository.
func (s *Session) watchPrefix() (string, error) {
	dir, err := s.LockDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, strings.Replace(LockName(s.Place.String(), "watch"), "run-", "watch-", 1)+"-"), nil
}

// watchFiles returns the paths of the state files.
func watchFiles(prefix string) (paths []string) {
	entries, _ := os.ReadDir(filepath.Dir(prefix))
	for _, e := range entries {
		if path := filepath.Join(filepath.Dir(prefix), e.Name()); strings.HasPrefix(path, prefix) && strings.HasSuffix(path, ".json") {
			paths = append(paths, path)
		}
	}
	return paths
}

// lockOf returns the path of the lock of a state file.
func lockOf(path string) string { return strings.TrimSuffix(path, ".json") + ".lock" }

// gone reports whether the process of a state file is gone. Where locks cannot be had it is not known to be.
func gone(path string) bool {
	if site.Missing(lockOf(path)) {
		return true
	}
	lock := flock.New(lockOf(path), flock.SetPermissions(site.PrivateMode))
	free, err := lock.TryRLock()
	_ = lock.Close() // it was only looked at
	return err == nil && free
}
