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
}

// Lock takes the lock on what the parts name. The lock is in the repository's cache folder or, without one or when its disk
// fails, in a private folder for temporary files. If neither can be had, the lock is nil and there is a warning: the lock
// only saves work. The error matches [outcome.ErrRunning] if another run holds the lock.
func (s *Session) Lock(parts ...string) (*RunLock, error) {
	var errs []error
	for _, folder := range []func() (string, error){s.LockDir, lockFolder} {
		dir, err := folder()
		if err == nil {
			var l *RunLock
			if l, err = s.lockIn(dir, parts); err == nil || errors.Is(err, outcome.ErrRunning) {
				return l, err
			}
		}
		errs = append(errs, err)
	}
	s.Warn("runs at the same time will not be noticed: %v", strings.ReplaceAll(errors.Join(errs...).Error(), "\n", "; "))
	return nil, nil
}

// lockIn takes the lock in a folder.
func (s *Session) lockIn(dir string, parts []string) (*RunLock, error) {
	path := s.RunPath(dir, parts...)
	file := flock.New(path+".lock", flock.SetPermissions(0o600))
	ok, err := file.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock: %w", errors.Join(err, file.Close()))
	}
	if !ok {
		return nil, fmt.Errorf("%w%s", outcome.ErrRunning, s.describeHolder(path+".json"))
	}
	b, err := json.Marshal(holder{os.Getpid(), s.Now().UTC().Truncate(time.Second)})
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

// describeHolder says for a message which process holds a lock. It is "" if that cannot be read.
func (s *Session) describeHolder(path string) string {
	var h holder
	b, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(b, &h) != nil || h.Started.IsZero() {
		return ""
	}
	return fmt.Sprintf(" since %s (process %d)", h.Started.In(s.Zone).Format("2006-01-02 15:04:05 MST"), h.PID)
}

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
