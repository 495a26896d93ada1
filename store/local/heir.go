package local

import (
	"errors"
	"io/fs"
	"os"
)

// What the folder's files hold is sealed, but the times of writing tell when a database
// has changed: other users have no business with that.
const (
	fileMode   fs.FileMode = 0o600
	folderMode fs.FileMode = 0o700
)

// The modes in a folder that a group shares: its members read what others of them have
// put, and delete it. Objects are never written again. Folders need no setgid bit, since
// each new file and folder is given to the group; services may not set it.
const (
	sharedFileMode   fs.FileMode = 0o640
	sharedFolderMode fs.FileMode = 0o770
)

// heir is the owner and group for new files and folders: those of the store's folder. The
// superuser gives them to the folder's owner, because that user could neither read nor
// delete them otherwise. In a folder that its group may write, all of the group have them.
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
