package behind

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"firn/host"
	space "firn/spool"
	"firn/store/local"
)

// files is the folder of a spool: each method is a call of the file system, so that a test can let each one fail, and
// can cut the power after each one.
type files interface {
	Names() ([]string, error)
	Create(name string) (file, error) // a new file
	Open(name string) (file, error)   // for reading
	Rename(from, to string) error
	Remove(name string) error
	Sync() error                     // makes the names durable
	Free() (bytes int64, known bool) // room that an ordinary user may fill
}

// file is an open file in the folder.
type file interface {
	io.Writer
	io.ReaderAt
	Stat() (fs.FileInfo, error)
	Sync() error
	Close() error
}

// folder is a folder of the disk that this process alone uses.
type folder struct {
	dir  string
	root *os.Root
	lock *flock.Flock
}

// lockName is the name of the file that a spool's process locks. No record has such a name.
const lockName = "lock"

// openFolder makes the folder if it is missing, and locks it. dir is absolute.
func openFolder(dir string) (*folder, error) {
	if err := host.MakePrivateFolder(dir); err != nil {
		return nil, err
	}
	if err := syncWay(dir); err != nil {
		return nil, err
	}
	lock := flock.New(filepath.Join(dir, lockName), flock.SetPermissions(0o600))
	ours, err := lock.TryLock()
	if err == nil && !ours {
		err = ErrInUse
	}
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &folder{dir, root, lock}, nil
}

// syncWay makes the folders above dir durable. Without that, a power cut could take a new spool away with all that it
// holds. It cannot tell new folders from old ones: the process that made them may have died before its fsync. A folder
// that this user may not read was not made by this user, and is left out.
func syncWay(dir string) error {
	for parent := filepath.Dir(dir); parent != dir; dir, parent = parent, filepath.Dir(parent) {
		if err := syncFolder(os.Open(parent)); err != nil && !errors.Is(err, fs.ErrPermission) {
			return fmt.Errorf("make %s durable: %w", dir, err)
		}
	}
	return nil
}

// syncFolder makes the names in a folder durable, and closes it.
func syncFolder(f *os.File, err error) error {
	if err != nil {
		return err
	}
	return errors.Join(local.SyncFolder(f), f.Close())
}

// Names returns the names of all files.
func (f *folder) Names() ([]string, error) {
	dir, err := f.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer dir.Close() // it was only read
	return dir.Readdirnames(-1)
}

// Create makes a file that only this user may read.
func (f *folder) Create(name string) (file, error) {
	return opened(f.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600))
}

// Open opens a file for reading.
func (f *folder) Open(name string) (file, error) { return opened(f.root.Open(name)) }

// opened returns a nil interface, not one with a nil pointer, with an error.
func opened(f *os.File, err error) (file, error) {
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Rename gives a file another name.
func (f *folder) Rename(from, to string) error { return f.root.Rename(from, to) }

// Remove removes a file.
func (f *folder) Remove(name string) error { return f.root.Remove(name) }

// Sync makes the names durable.
func (f *folder) Sync() error { return syncFolder(f.root.Open(".")) }

// Free returns how many bytes an ordinary user may still write.
func (f *folder) Free() (int64, bool) { return space.FreeSpace(f.dir) }

// Close lets another process use the folder.
func (f *folder) Close() error { return errors.Join(f.root.Close(), f.lock.Close()) }
