// Package scratch makes private folders, for files that no other user may read and that must
// not outlive the process: plaintext copies of databases. The folders lie where they are
// needed, in the folder for temporary files or beside a database, and their names have one
// form. Each folder is locked as long as its process lives. So a later run recognizes the
// folders of a run that was killed, and removes them.
package scratch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// prefix is the beginning of the names of private folders; digits follow.
const prefix = ".firn-"

// longAge is longer than any run takes. A folder that is not locked counts as left behind if
// nothing was made in it for so long. A folder that cannot be locked, on some network file systems
// and on Windows, counts as left behind if nothing was written to its files for so long either.
const longAge = 24 * time.Hour

// Folder is a private folder. It is for one goroutine at a time.
type Folder struct {
	path string
	lock *flock.Flock // nil where folders cannot be locked
}

// Make makes an empty folder in dir that only its owner may enter, and locks it. The
// caller removes it. It works with the rights of the calling thread.
func Make(dir string) (*Folder, error) {
	for {
		path, err := os.MkdirTemp(dir, prefix+"*") // with mode 0700
		if err != nil {
			return nil, err
		}
		f := &Folder{path: path, lock: newLock(path)}
		ours, err := f.lock.TryLock()
		if err != nil && exists(path) {
			f.lock = nil // no locks here
			return f, f.mark()
		}
		if ours && exists(path) {
			return f, f.mark()
		}
		// A sweep has come between the two calls and takes the folder for left behind, or has
		// removed it.
		_ = f.lock.Close()
	}
}

// marker is the name of an empty file in each private folder. A folder without it was not made
// here: where other users can write, they could give such a name to any folder.
const marker = ".firn"

// mark makes the marker.
func (f *Folder) mark() error {
	file, err := os.OpenFile(f.Path(marker), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return errors.Join(err, f.Remove())
	}
	return file.Close()
}

// newLock returns a lock on a folder, which is opened only for reading.
func newLock(path string) *flock.Flock { return flock.New(path, flock.SetFlag(readFolder)) }

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// Path returns the path of a file in the folder.
func (f *Folder) Path(name string) string { return filepath.Join(f.path, name) }

// Create makes a file in the folder that only its owner may read, and calls write on it. The file
// is closed in any case. After an error the file may exist, as long as the folder does.
func (f *Folder) Create(name string, write func(*os.File) error) (path string, err error) {
	file, err := os.OpenFile(f.Path(name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	return file.Name(), errors.Join(write(file), file.Close())
}

// Remove removes the folder with all its files, and lets go of the lock. It may be called again,
// and on a nil Folder.
func (f *Folder) Remove() error {
	if f == nil {
		return nil
	}
	err := removeAll(f.path) // before the lock is gone: no sweep takes it for left behind
	if f.lock != nil {
		err = errors.Join(err, f.lock.Close())
	}
	return err
}

// removeAll removes a private folder, which may be gone. The marker goes last, so that a sweep
// recognizes the remains of a folder after a kill.
func removeAll(path string) error {
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if e.Name() != marker {
			err = errors.Join(err, os.RemoveAll(filepath.Join(path, e.Name())))
		}
	}
	if err != nil {
		return err
	}
	return os.RemoveAll(path)
}

// Sweep removes private folders and claims in dir that were left behind: their processes are gone,
// and nothing was written to them for the time idle, or nothing was made in them for a day. It
// removes only folders of the user of the calling thread, and returns their names. A folder that
// cannot be removed is an error, and the others are removed all the same. A dir that does not exist
// or may not be read has nothing to remove.
func Sweep(dir string, now time.Time, idle time.Duration) (removed []string, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return nil, nil
	}
	for _, e := range entries {
		least := idle
		switch {
		case !e.IsDir():
			continue
		case isClaim(e.Name()):
			least = max(idle, claimAge)
		case !isName(e.Name()):
			continue
		}
		gone, e1 := sweep(filepath.Join(dir, e.Name()), now, least)
		if gone {
			removed = append(removed, e.Name())
		}
		err = errors.Join(err, e1)
	}
	if err != nil {
		err = fmt.Errorf("remove left-over folders in %s: %w", dir, err)
	}
	return removed, err
}

// isName reports whether a name is one that [Make] gives.
func isName(name string) bool {
	digits, ok := strings.CutPrefix(name, prefix)
	return ok && digits != "" && strings.Trim(digits, "0123456789") == ""
}

// sweep removes one folder if it was left behind.
func sweep(path string, now time.Time, idle time.Duration) (gone bool, err error) {
	info, err := os.Lstat(path)
	if err != nil || !own(info) {
		return false, nil // the folder has just been removed, or is another user's
	}
	lock := newLock(path)
	free, err := lock.TryLock()
	defer lock.Close()
	switch {
	case err != nil:
		idle = max(idle, longAge)
	case !free:
		return false, nil
	}
	// A write to a file in the folder does not change the folder's own time.
	aged := free && now.Sub(info.ModTime()) >= longAge
	if !aged && now.Sub(lastWritten(path)) < idle {
		return false, nil
	}
	if !exists(filepath.Join(path, marker)) {
		// A claim, or the folder of a process that was killed at once. Such a folder is empty; a
		// folder with files is not ours.
		return os.Remove(path) == nil, nil
	}
	return true, removeAll(path)
}

// lastWritten returns the time of the last write to the folder or a file in it.
func lastWritten(dir string) time.Time {
	var last time.Time
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil // the file is gone, or may not be read: the other files tell the time
		}
		if info, err := e.Info(); err == nil && info.ModTime().After(last) {
			last = info.ModTime()
		}
		return nil
	})
	return last
}
