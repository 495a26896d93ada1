package cmd

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
)

// errRunning is returned when another run holds the lock.
var errRunning = errors.New("another run is under way")

// lock keeps two runs from doing the same at once. The repository needs no
// lock: this one saves work, and the operating system lets go of it when its
// holder dies.
type lock struct{ file *flock.Flock }

// holder is what the lock's holder writes beside it, for those who meet the lock.
type holder struct {
	PID     int       `json:"pid"`
	Started time.Time `json:"started"`
}

// lock takes the lock on what the parts name, in the repository's cache folder
// or, without one or when its disk fails, in a private folder for temporary files.
// Where neither can be had, the run goes on and says so: the lock saves work only.
func (s *session) lock(parts ...string) (*lock, error) {
	var errs []error
	for _, folder := range []func() (string, error){s.lockDir, lockFolder} {
		dir, err := folder()
		if err == nil {
			var l *lock
			if l, err = s.lockIn(dir, parts); err == nil || errors.Is(err, errRunning) {
				return l, err
			}
		}
		errs = append(errs, err)
	}
	s.warn("runs at the same time will not be noticed: %v", strings.ReplaceAll(errors.Join(errs...).Error(), "\n", "; "))
	return nil, nil
}

// lockIn takes the lock in a folder.
func (s *session) lockIn(dir string, parts []string) (*lock, error) {
	path := s.runPath(dir, parts...)
	file := flock.New(path+".lock", flock.SetPermissions(0o600))
	ok, err := file.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock: %w", errors.Join(err, file.Close()))
	}
	if !ok {
		return nil, fmt.Errorf("%w%s", errRunning, s.describeHolder(path+".json"))
	}
	b, err := json.Marshal(holder{os.Getpid(), s.now().UTC().Truncate(time.Second)})
	if err == nil {
		err = os.WriteFile(path+".json", b, 0o600)
	}
	if err != nil { // it only informs people
		s.detail("lock: %v", err)
	}
	return &lock{file}, nil
}

// runPath begins the names of the files that runs of what the parts name keep in a folder.
func (s *session) runPath(dir string, parts ...string) string {
	return filepath.Join(dir, lockName(append([]string{s.place.String()}, parts...)...))
}

// lockName names the files of a lock by what it is on.
func lockName(parts ...string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", parts))
	return "run-" + hex.EncodeToString(sum[:8])
}

// lockDir returns the folder of locks.
func (s *session) lockDir() (string, error) {
	if s.cacheDir != "" {
		return s.cacheDir, nil
	}
	return lockFolder()
}

// describeHolder is for people; what cannot be read is left out.
func (s *session) describeHolder(path string) string {
	var h holder
	b, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(b, &h) != nil || h.Started.IsZero() {
		return ""
	}
	return fmt.Sprintf(" since %s (process %d)", h.Started.In(s.zone).Format("2006-01-02 15:04:05 MST"), h.PID)
}

// release lets go of the lock. The files stay: removing them could take
// another run's.
func (l *lock) release() {
	if l != nil {
		_ = l.file.Close() // the end of the process releases it at the latest
	}
}

// lockFolder returns a folder for temporary files that is certain to be ours:
// where anybody can write, somebody else may have made it.
func lockFolder() (string, error) {
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("firn-%d", os.Getuid()))
	return dir, host.MakePrivateFolder(dir)
}
