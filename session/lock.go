package session

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"firn/host"
	"firn/outcome"
)

// RunLock keeps two runs from doing the same at once. The repository needs no lock: this one saves work. The operating
// system lets go of it when its holder dies. A nil lock holds nothing.
type RunLock struct{ file *flock.Flock }

// holder is what the holder of a lock writes beside it, for the message to a run that meets the lock.
type holder struct {
	PID     int       `json:"pid"`
	Started time.Time `json:"started"`
	Watch   bool      `json:"watch,omitempty"` // it holds the lock for as long as it watches the database
}

// Lock takes the lock on what the parts name. The lock is in the repository's cache folder or, without one or when its disk
// fails, in a private folder for temporary files. If neither can be had, the lock is nil and there is a warning: the lock
// only saves work. The error matches [outcome.ErrRunning] if another run holds the lock.
func (s *Session) Lock(parts ...string) (*RunLock, error) { return s.lock(false, parts) }

// LockForWatch is [Session.Lock] for a process that watches a database, for as long as it does. Runs that meet the lock say so.
func (s *Session) LockForWatch(parts ...string) (*RunLock, error) { return s.lock(true, parts) }

func (s *Session) lock(watch bool, parts []string) (*RunLock, error) {
	var errs []error
	for _, folder := range []func() (string, error){s.LockDir, lockFolder} {
		dir, err := folder()
		if err == nil {
			var l *RunLock
			if l, err = s.lockIn(dir, watch, parts); err == nil || errors.Is(err, outcome.ErrRunning) {
				return l, err
			}
		}
		errs = append(errs, err)
	}
	s.Warn("runs at the same time will not be noticed: %v", strings.ReplaceAll(errors.Join(errs...).Error(), "\n", "; "))
	return nil, nil
}

// lockIn takes the lock in a folder.
func (s *Session) lockIn(dir string, watch bool, parts []string) (*RunLock, error) {
	path := s.RunPath(dir, parts...)
	file := flock.New(path+".lock", flock.SetPermissions(0o600))
	ok, err := file.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock: %w", errors.Join(err, file.Close()))
	}
	if !ok {
		return nil, s.describeHolder(path + ".json")
	}
	b, err := json.Marshal(holder{os.Getpid(), s.Now().UTC().Truncate(time.Second), watch})
	if err == nil {
		err = os.WriteFile(path+".json", b, 0o600)
	}
	if err != nil { // it only informs people
		s.Detail("lock: %v", err)
	}
	return &RunLock{file}, nil
}

// RunPath returns the path prefix of the files of a run in a folder: its lock, its holder, and its count of rows.
func (s *Session) RunPath(dir string, parts ...string) string {
	return filepath.Join(dir, LockName(append([]string{s.Place.String()}, parts...)...))
}

// LockName returns the name of a lock without its extension, by what the lock is on.
func LockName(parts ...string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", parts))
	return "run-" + hex.EncodeToString(sum[:8])
}

// LockDir returns the folder of locks.
func (s *Session) LockDir() (string, error) {
	if s.CacheDir != "" {
		return s.CacheDir, nil
	}
	return lockFolder()
}

// describeHolder returns the error of a run that meets a lock. It says which process holds the lock, if that can be read.
func (s *Session) describeHolder(path string) error {
	var h holder
	b, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(b, &h) != nil || h.Started.IsZero() {
		return outcome.ErrRunning
	}
	since := h.Started.In(s.Zone).Format("2006-01-02 15:04:05 MST")
	if h.Watch {
		return outcome.New(&watchedError{since, h.PID}, 0, watchedHint)
	}
	return fmt.Errorf("%w since %s (process %d)", outcome.ErrRunning, since, h.PID)
}

// watchedError is the error of a run of a database that is watched. It matches [outcome.ErrRunning].
type watchedError struct {
	since string
	pid   int
}

// watchedHint says what a person can do about a [watchedError].
const watchedHint = `Nothing has to be done: the watch takes its snapshots, and "firn status" says how far behind it is. To back it up by a run of its own, stop the watch first.`

// Error says which process watches the database.
func (e *watchedError) Error() string {
	return fmt.Sprintf("it is watched since %s (process %d)", e.since, e.pid)
}

// Unwrap makes the error match [outcome.ErrRunning].
func (e *watchedError) Unwrap() error { return outcome.ErrRunning }

// Release lets go of the lock. Its files stay: the file could be another run's by the time it is removed.
func (l *RunLock) Release() {
	if l != nil {
		_ = l.file.Close() // the end of the process releases it at the latest
	}
}

// lockFolder returns a private folder for temporary files. Where all users can write, another user may have made it, which
// is an error.
func lockFolder() (string, error) {
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("firn-%d", os.Getuid()))
	return dir, host.MakePrivateFolder(dir)
}
