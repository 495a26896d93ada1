package sftp

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/pkg/sftp"
)

// The modes of files and folders are those that package local gives, and for the same reasons: in a folder that a group
// shares, its members read and delete each other's objects.
const (
	fileMode         fs.FileMode = 0o600
	folderMode       fs.FileMode = 0o700
	sharedFileMode   fs.FileMode = 0o640
	sharedFolderMode fs.FileMode = 0o770 | fs.ModeSetgid
)

// heir is the owner and group of new files and folders: those of the store's folder. The superuser gives them to the
// folder's owner, because that user could neither read nor delete them otherwise.
type heir struct {
	uid, gid int
	shared   bool
}

// heirOf returns the heir of a folder. A server that tells no owner tells the number 0, and then nothing is given.
func heirOf(folder fs.FileInfo) *heir {
	h := &heir{shared: folder.Mode()&fs.ModeSetgid != 0 && folder.Mode().Perm()&0o070 == 0o070}
	if stat, ok := folder.Sys().(*sftp.FileStat); ok {
		h.uid, h.gid = int(stat.UID), int(stat.GID)
	}
	return h
}

func (h *heir) fileMode() fs.FileMode {
	if h != nil && h.shared {
		return sharedFileMode
	}
	return fileMode
}

func (h *heir) folderMode() fs.FileMode {
	if h != nil && h.shared {
		return sharedFolderMode
	}
	return folderMode
}

// owner is an open file, or a folder by its path, that can be given away.
type owner interface {
	Chmod(mode fs.FileMode) error
	Chown(uid, gid int) error
	Stat() (fs.FileInfo, error)
}

// give gives a new file to the heir, and its mode to the file.
func (s *Store) give(n *session, f *sftp.File) error {
	return s.inherit(n, f, s.heir.Load().fileMode())
}

// inherit gives a new file or folder its mode and owner. A server that knows no modes may refuse to set one: then its other
// users are its own concern.
func (s *Store) inherit(n *session, f owner, mode fs.FileMode) error {
	h := s.heir.Load()
	if h == nil || h.uid == 0 {
		return n.unlessAnswer(f.Chmod(mode))
	}
	info, err := f.Stat()
	if err != nil {
		return n.unlessAnswer(err)
	}
	if stat, ok := info.Sys().(*sftp.FileStat); ok && stat.UID == 0 { // so the login is the superuser's
		if err := f.Chown(h.uid, h.gid); err != nil {
			return fmt.Errorf("give it to the owner of the folder: %w", hidden(err))
		}
	}
	return n.unlessAnswer(f.Chmod(mode)) // after the change of the owner, which takes the setgid bit away
}

// unlessAnswer returns the error of a lost connection, and nil for the answer of a server.
func (n *session) unlessAnswer(err error) error {
	if err == nil || n.isAnswer(err) {
		return nil
	}
	return err
}

// byPath is a folder as an [owner].
type byPath struct {
	client *sftp.Client
	path   string
}

func (p byPath) Chmod(mode fs.FileMode) error { return p.client.Chmod(p.path, mode) }
func (p byPath) Chown(uid, gid int) error     { return p.client.Chown(p.path, uid, gid) }
func (p byPath) Stat() (fs.FileInfo, error)   { return p.client.Lstat(p.path) }

// mkdir makes a folder. One that is there stays as it is.
func (s *Store) mkdir(n *session, p string) error {
	s.traffic.others.Add(1)
	err := n.client.Mkdir(p)
	if err == nil {
		return s.inherit(n, byPath{n.client, p}, s.heir.Load().folderMode())
	}
	if !n.isAnswer(err) || isAbsent(err) {
		return err
	}
	info, statErr := s.stat(n, p)
	switch {
	case statErr != nil:
		return errors.Join(err, hidden(n.unlessAnswer(statErr)))
	case !info.IsDir():
		return fmt.Errorf("%s is not a folder", p)
	}
	return nil
}
