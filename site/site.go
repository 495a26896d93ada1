package site

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"firn/host"
	"firn/outcome"
	"firn/snapshot"
	"firn/sqlite"
)

// Site is where a database file is: its folder, held by descriptor, and the thread that works there. In a folder that
// another user can write, the thread has that user's rights, and sees nothing but the folder.
type Site struct {
	Folder *host.Folder
	Name   string       // of the file in the folder
	thread *host.Thread // nil where paths are used as they are
}

// Reach finds the site of a database, which may be missing. The caller closes it.
func Reach(path string) (*Site, error) {
	folder, name, err := host.Reach(path)
	if err != nil {
		return nil, err
	}
	thread, err := folder.Thread()
	if err != nil {
		return nil, errors.Join(err, folder.Close())
	}
	return &Site{folder, name, thread}, nil
}

// RefuseForeign is for a file that is to be the caller's alone: in a folder of another user's, that user could put other
// files in its place while it is made, and remove it. Where all can write, the sticky bit keeps others from that.
func (s *Site) RefuseForeign() error {
	if !s.Folder.Foreign() {
		return nil
	}
	return outcome.Failed("Name a folder of your own, or one like /tmp that has the sticky bit. Or run firn as that user.",
		"%s: the folder is another user's, who could read or change what is made there", s.Path())
}

// Closed reports whether only the process's own user can write in the folder, or root.
func (s *Site) Closed() bool {
	if s.thread != nil {
		return false
	}
	info, err := os.Stat(filepath.Dir(s.Path()))
	if err != nil {
		return false
	}
	uid, _, known := host.Owner(info)
	return !known || (uid == os.Geteuid() || uid == 0) && info.Mode().Perm()&0o022 == 0
}

// Close ends the thread, when it has done what it is at.
func (s *Site) Close() error {
	if s == nil {
		return nil
	}
	s.thread.Close()
	return s.Folder.Close()
}

// Path returns the path of the database for people, without symbolic links.
func (s *Site) Path() string { return s.Folder.Path(s.Name) }

// At calls a function on the site's thread with the path of the database as it is named there.
func (s *Site) At(f func(path string) error) error {
	return s.Do(func() error { return f(s.Folder.Inner(s.Name)) })
}

// Do calls a function on the site's thread.
func (s *Site) Do(f func() error) error { return s.outward(s.thread.Do(f)) }

// outward makes an error name files by their whole paths, which the confined thread does not see.
func (s *Site) outward(err error) error {
	if s.thread == nil || err == nil {
		return err
	}
	within := string(filepath.Separator)
	text := strings.NewReplacer(" "+within+s.Name, " "+s.Path(), " "+within+stagePrefix, " "+s.Folder.Path(stagePrefix)).Replace(err.Error())
	if text == err.Error() {
		return err
	}
	return &outwardError{err, text}
}

// outwardError is an error with other words.
type outwardError struct {
	err  error
	text string
}

// Error returns the other words.
func (e *outwardError) Error() string { return e.text }

// Unwrap returns the error.
func (e *outwardError) Unwrap() error { return e.err }

// Outside calls a function from one that runs on the site's thread, for work that is not on files of the folder.
func (s *Site) Outside(f func() error) error {
	if s.thread == nil {
		return f()
	}
	return host.Outside(f)
}

// Stat describes a file beside the database, or with "" the database, without following a link.
func (s *Site) Stat(end string) (info fs.FileInfo, err error) {
	err = s.At(func(path string) error { info, err = os.Lstat(path + end); return err })
	return info, err
}

// Access says whose the database file is, nil where that is not known.
func (s *Site) Access() *snapshot.Access {
	info, err := s.Stat("")
	if err != nil {
		return nil
	}
	return AccessOf(info)
}

// AccessOf says to which user a file belongs and who may use it, nil where that is not known.
func AccessOf(info fs.FileInfo) *snapshot.Access {
	uid, gid, known := host.Owner(info)
	if !known {
		return nil
	}
	return &snapshot.Access{UID: uint32(uid), GID: uint32(gid), Mode: uint32(info.Mode().Perm())}
}

// Options are those of an image of the database, which only functions on the site's thread may use. Its name is for
// errors.
func (s *Site) Options(name string, o sqlite.Options) sqlite.Options {
	o.Name = name
	if s.thread != nil {
		o.Outside = host.Outside
	}
	return o
}
