package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Folder is an open folder with a file to work on. If another user than the process's own can change the folder, the work
// is done with that user's rights, on a [Thread] that sees nothing but this folder.
//
// The zero Folder is the one in which paths are used as they are, with the process's own rights.
type Folder struct {
	path   string   // absolute, without symbolic links
	root   *os.Root // nil if paths are used as they are
	rights *Rights  // nil for the process's own
}

// ErrTwoOwners is returned for a path that leads through folders of two users. Each of them could lead firn, with the
// rights of the other one, to files that are none of its business.
var ErrTwoOwners = errors.New("the path leads through folders of different users")

// ErrNoIdentity is returned where work with another user's rights is needed and the system, or what it has taken away
// from this process, does not allow that.
var ErrNoIdentity = errors.New("firn cannot work with the rights of another user here")

// Reach finds the folder of a file, which may be missing, and the file's name in it. Symbolic links on the way are
// followed with the rights of the user that can change them: a link that the owner of a folder has made there leads only
// to where that owner may go. The caller closes the folder.
func Reach(path string) (folder *Folder, name string, err error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, "", err
	}
	return reach(abs)
}

// asIs is [Reach] where files are worked on with the process's own rights.
func asIs(path string) (*Folder, string, error) {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	} else if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		path = filepath.Join(dir, filepath.Base(path))
	}
	return &Folder{path: filepath.Dir(path)}, filepath.Base(path), nil
}

// Path returns the absolute path of a file in the folder, for people and for configurations.
func (f *Folder) Path(name string) string { return filepath.Join(f.path, name) }

// Inner returns the path of a file in the folder as a function on the folder's thread has to name it.
func (f *Folder) Inner(name string) string {
	if f.root != nil {
		return string(filepath.Separator) + name
	}
	return f.Path(name)
}

// Root returns the open folder, nil if paths are used as they are. Closing one closes the other.
func (f *Folder) Root() *os.Root { return f.root }

// Foreign reports whether work in the folder is done with the rights of another user.
func (f *Folder) Foreign() bool { return f.rights != nil }

// Rights returns the rights with which work in the folder is done, nil for the process's own.
func (f *Folder) Rights() *Rights { return f.rights }

// Close lets go of the folder.
func (f *Folder) Close() error {
	if f == nil || f.root == nil {
		return nil
	}
	return f.root.Close()
}

// maxLinks is how many symbolic links a path may lead through, as in Linux.
const maxLinks = 40

// step is how far [walk] has come.
type step struct {
	at     *os.Root // the folder, opened with the rights
	path   string   // of at
	rights *Rights  // nil while only the superuser could change what was passed
	shared bool     // others can add names to at, but cannot change those of the superuser that are there
	links  int
}

// walk goes from the root of the file system to the folder of the last of names. It begins with the superuser's rights,
// and goes on with those of the first user that can change the rest of the path.
func (s *step) walk(names []string) (string, error) {
	for len(names) > 0 {
		name := names[0]
		names = names[1:]
		if name == ".." {
			if err := s.restart(filepath.Dir(s.path), &names); err != nil {
				return "", err
			}
			continue
		}
		target, info, err := s.look(name)
		switch {
		case err != nil && (len(names) > 0 || !errors.Is(err, fs.ErrNotExist)):
			return "", s.failed(name, err)
		case target != "":
			if s.links++; s.links > maxLinks {
				return "", errors.New("too many symbolic links")
			}
			if filepath.IsAbs(target) {
				err = s.restart(target, &names)
			} else {
				names = append(split(target), names...)
			}
		case len(names) == 0:
			return name, nil
		default:
			err = s.down(name, info)
		}
		if err != nil {
			return "", err
		}
	}
	return "", errors.New("the path leads to a folder, not to a file")
}

// failed names the whole path that an error is about, and the user whose rights were used. Whatever was called for it,
// the path was looked at.
func (s *step) failed(name string, err error) error {
	if inner, ok := errors.AsType[*fs.PathError](err); ok {
		err = &fs.PathError{Op: "lstat", Path: filepath.Join(s.path, name), Err: inner.Err}
	}
	return s.rights.explain(err)
}

// split cuts a path into its names.
func split(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == filepath.Separator })
}

// restart goes on from the root of the file system, with the rights that it has, to an absolute path and what follows.
func (s *step) restart(path string, names *[]string) error {
	root, err := os.OpenRoot(string(filepath.Separator))
	if err != nil {
		return err
	}
	_ = s.at.Close() // it was only read
	s.at, s.path, s.shared = root, string(filepath.Separator), false
	*names = append(split(path), *names...)
	return nil
}

// look decides with whose rights the next name is used, and returns what it is: target is where a symbolic link leads.
func (s *step) look(name string) (target string, info fs.FileInfo, err error) {
	if err := s.judge(name); err != nil {
		return "", nil, err
	}
	err = s.do(func() error {
		if info, err = s.at.Lstat(name); err != nil || info.Mode().Type() != fs.ModeSymlink {
			return err
		}
		target, err = s.at.Readlink(name)
		return err
	})
	return target, info, err
}

// do runs f with the rights of the walk.
func (s *step) do(f func() error) error {
	if s.rights == nil {
		return f()
	}
	t, err := newThread(s.rights, nil)
	if err != nil {
		return err
	}
	defer t.Close()
	return t.Do(f)
}

// down enters a folder: the one that was looked at, and no other one that has taken its name since.
func (s *step) down(name string, looked fs.FileInfo) error {
	if !looked.IsDir() {
		return fmt.Errorf("%s is not a folder", filepath.Join(s.path, name))
	}
	return s.do(func() error {
		next, err := s.at.OpenRoot(name + "/.") // the dot keeps a pipe of that name from being waited for
		if err != nil {
			return s.failed(name, err)
		}
		now, err := next.Stat(".")
		if err == nil && !os.SameFile(looked, now) {
			err = fmt.Errorf("%s was replaced while it was opened", filepath.Join(s.path, name))
		}
		if err != nil {
			return errors.Join(err, next.Close())
		}
		_ = s.at.Close() // it was only read
		s.at, s.path = next, filepath.Join(s.path, name)
		return nil
	})
}
