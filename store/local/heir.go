package local

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// The modes of files and folders. The contents of the files are encrypted, but their times
// show when a database has changed, so other users have no access.
const (
	fileMode   fs.FileMode = 0o600
	folderMode fs.FileMode = 0o700
)

// The modes in a folder that a group shares. A folder is shared if it has the setgid bit
// and the group may write to it. Members of the group read and delete each other's
// objects. They need no right to write to an object, because it is never written again.
// The setgid bit gives new files the folder's group.
const (
	sharedFileMode   fs.FileMode = 0o640
	sharedFolderMode fs.FileMode = 0o770
)

// isShared reports whether a group shares a folder.
func isShared(folder fs.FileInfo) bool {
	return folder.Mode()&fs.ModeSetgid != 0 && folder.Mode().Perm()&0o070 == 0o070
}

// heir is the owner and group of new files and folders: those of the store's folder. The
// superuser gives them to the folder's owner, because that user could neither read nor
// delete them otherwise.
type heir struct {
	uid, gid int // -1: leave as created
	shared   bool
}

// file gives a new file to the heir. It uses the descriptor, because the name may refer to
// another file by now.
func (h heir) file(f *os.File) error { return h.give(f, sharedFileMode) }

func (h heir) give(f *os.File, shared fs.FileMode) error {
	if h.uid >= 0 {
		if err := f.Chown(h.uid, h.gid); err != nil {
			return err
		}
	}
	if !h.shared {
		return nil
	}
	info, err := f.Stat()
	if err != nil || info.Mode().Perm() == shared {
		return err
	}
	// The umask has removed a permission. The setgid bit stays as it is.
	if err := f.Chmod(shared | info.Mode()&fs.ModeSetgid); err != nil {
		return fmt.Errorf("let the group use %s (in a service with RestrictSUIDSGID=yes that takes UMask=0007): %w", f.Name(), err)
	}
	return nil
}

// folderMode returns the mode for new folders.
func (h heir) folderMode() fs.FileMode {
	if h.shared {
		return sharedFolderMode
	}
	return folderMode
}

// inheritOwner gives a folder that was just made below the root to the heir. Another
// writer of a shared folder can have put another folder in its place since, so a folder
// that already has entries is left as it is.
func (s *Store) inheritOwner(name string) error {
	if s.heir == (heir{uid: -1, gid: -1}) {
		return nil
	}
	f, err := s.root.OpenFile(name, readFolder, 0)
	if err != nil {
		return err
	}
	if names, err := f.Readdirnames(1); len(names) > 0 || err != io.EOF {
		return f.Close()
	}
	return errors.Join(s.heir.give(f, sharedFolderMode), f.Close())
}
