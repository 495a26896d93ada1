// Package site works on files of this host with the rights of the users who can change them.
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

// Site is the folder of a database file, held by its descriptor, and the thread that works there. If another user can write
// the folder, the thread has that user's rights and sees nothing but the folder.
type Site struct {
	Folder *host.Folder
	Name   string       // of the file in the folder
	thread *host.Thread // nil where paths are used as they are
}

// Reach returns the site of the database at a path. The database may be missing, its folder may not. The caller closes the
// site.
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

// Path returns the whole path of the database, without symbolic links, for messages.
func (s *Site) Path() string { return s.Folder.Path(s.Name) }

// At calls a function on the site's thread with the path that the database has for that thread.
func (s *Site) At(f func(path string) error) error {
	return s.Do(func() error { return f(s.Folder.Inner(s.Name)) })
}

// Do calls a function on the site's thread.
func (s *Site) Do(f func() error) error { return s.outward(s.thread.Do(f)) }

// outward rewrites an error of the confined thread, which sees only the folder, so that the error names whole paths.
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

// outwardError is an error with whole paths in its text.
type outwardError struct {
	err  error
	text string
}

// Error returns the text with whole paths.
func (e *outwardError) Error() string { return e.text }

// Unwrap returns the error of the confined thread.
func (e *outwardError) Unwrap() error { return e.err }

// Outside calls a function with firn's own rights and with a view of all files. Only functions that run on the site's thread
// call it, for work on files outside of the folder.
func (s *Site) Outside(f func() error) error {
	if s.thread == nil {
		return f()
	}
	return host.Outside(f)
}

// Stat describes the file whose name is the database's with a suffix, such as "-wal". With "" it describes the database.
// A symbolic link is described itself.
func (s *Site) Stat(end string) (info fs.FileInfo, err error) {
	err = s.At(func(path string) error { info, err = os.Lstat(path + end); return err })
	return info, err
}

// Access returns the owner and the mode of the database file, nil if they are not known.
func (s *Site) Access() *snapshot.Access {
	info, err := s.Stat("")
	if err != nil {
		return nil
	}
	return AccessOf(info)
}

// AccessOf returns the owner and the mode of a file, nil if they are not known.
func AccessOf(info fs.FileInfo) *snapshot.Access {
	uid, gid, known := host.Owner(info)
	if !known {
		return nil
	}
	return &snapshot.Access{UID: uint32(uid), GID: uint32(gid), Mode: uint32(info.Mode().Perm())}
}

// Options returns the options for an image of the database that functions on the site's thread read. Errors call the
// database by the name.
func (s *Site) Options(name string, o sqlite.Options) sqlite.Options {
	o.Name = name
	if s.thread != nil {
		o.Outside = host.Outside
	}
	return o
}

// RefuseForeign returns an error if another user could replace or remove the site's file while firn makes it. It is for
// files that must belong to the caller alone. In a folder that all users can write, the sticky bit keeps others from that.
func (s *Site) RefuseForeign() error {
	if !s.Folder.Foreign() {
		return nil
	}
	return outcome.Failed("Name a folder of your own, or one like /tmp that has the sticky bit. Or run firn as that user.",
		"%s: the folder is another user's, who could read or change what is made there", s.Path())
}

// Closed reports whether only root and the user of this process can write in the folder.
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

// Close ends the site's thread after its present call. A nil site is closed already.
func (s *Site) Close() error {
	if s == nil {
		return nil
	}
	s.thread.Close()
	return s.Folder.Close()
}
