package local

import (
	"errors"
	"io/fs"
	"os"
)

// What the folder's files hold is sealed, but whose database changed when is
// nobody else's business either.
const (
	fileMode   fs.FileMode = 0o600
	folderMode fs.FileMode = 0o700
)

// The modes in a folder that a group shares: its members read what others of them have
// put, and delete it. Objects are never written again.
const (
	sharedFileMode   fs.FileMode = 0o640
	sharedFolderMode fs.FileMode = 0o770 | fs.ModeSetgid
)

// heir is who is to have new files and folders: the store's folder says so. The superuser
// gives them to the owner of the folder, who could not read nor delete them otherwise; in
// a folder whose group may write, all of the group have them.
type heir struct {
	uid, gid int // -1: as they come
	shared   bool
}

// file gives a new file to the heir. It is by the descriptor: the name may stand for
// another file by now.
func (h heir) file(f *os.File) error { return h.give(f, sharedFileMode) }

// folder gives a new folder to the heir.
func (h heir) folder(f *os.File) error { return h.give(f, sharedFolderMode) }

func (h heir) give(f *os.File, shared fs.FileMode) error {
	if h.uid >= 0 || h.gid >= 0 {
		if err := f.Chown(h.uid, h.gid); err != nil {
			return err
		}
	}
	if h.shared {
		return f.Chmod(shared) // whatever the umask takes away
	}
	return nil
}

// bequeath gives a folder that was just made below the root to the heir.
func (s *Store) bequeath(name string) error {
	if s.heir == (heir{uid: -1, gid: -1}) {
		return nil
	}
	f, err := s.root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(s.heir.folder(f), f.Close())
}
