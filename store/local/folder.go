package local

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// makeFolder makes the folder of that name below the root, and the folders
// above it, and makes them durable. It also syncs each existing folder once in
// the life of the store: the writer that made the folder may have died before
// its fsync, or may not have reached it yet, and the objects that are put there
// now must not depend on it.
func (s *Store) makeFolder(name string) error {
	if name == "." {
		return nil
	}
	if err := s.makeFolder(path.Dir(name)); err != nil {
		return err
	}
	err := s.root.Mkdir(name, s.heir.folderMode())
	if err == nil {
		err = s.inheritOwner(name)
		if err != nil {
			return err
		}
	} else if !errors.Is(err, fs.ErrExist) {
		return err
	}
	if _, known := s.durable.Load(name); known && err != nil {
		return nil
	}
	if err := s.syncFolder(path.Dir(name)); err != nil {
		return err
	}
	s.durable.Store(name, true)
	return nil
}

// syncFolder makes the names in a folder below the root durable.
func (s *Store) syncFolder(name string) error {
	f, err := s.root.OpenFile(name, readFolder, 0)
	if err != nil {
		return err
	}
	return syncAndClose(f)
}

// MakeFolder makes dir and the missing folders above it, each of which is
// durable only when the folder that holds it is synced.
func MakeFolder(dir string) error {
	err := os.Mkdir(dir, folderMode)
	if parent := filepath.Dir(dir); errors.Is(err, fs.ErrNotExist) && parent != dir {
		if err := MakeFolder(parent); err != nil {
			return err
		}
		err = os.Mkdir(dir, folderMode)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	f, err := os.Open(filepath.Dir(dir))
	if err != nil {
		return err
	}
	return syncAndClose(f)
}

func syncAndClose(folder *os.File) error {
	return errors.Join(SyncFolder(folder), folder.Close())
}
