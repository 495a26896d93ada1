package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Folder is an open folder with a file to work on. If a user other than the process's own can change the folder, the
// work is done with that user's rights, on a [Thread] that sees only this folder.
//
// In the zero Folder paths are used as they are, with the process's own rights.
type Folder struct {
	path   string   // absolute, without symbolic links
	root   *os.Root // nil if paths are used as they are
	rights *Rights  // nil for the process's own
}

// ErrTwoOwners is returned for a path that leads through folders of two users. Each of them could lead firn to the
// other user's files, with the rights of that user.
var ErrTwoOwners = errors.New("the path leads through folders of different users")

// ErrNoIdentity is returned where work needs another user's rights and the system does not allow that, or has taken
// the means away from this process.
var ErrNoIdentity = errors.New("firn cannot work with the rights of another user here")

// Reach finds the folder of a file, which may be missing, and the file's name in it. Symbolic links on the way are
// followed with the rights of the user that can change them: a link that the owner of a folder has made there leads
// only to places where that owner may go. The caller closes the folder.
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

// Inner returns the path of a file in the folder by which a function on the folder's thread names it.
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
	rights *Rights  // nil while only the superuser could change the path up to here
	shared bool     // other users can add names to at, but cannot change names of the superuser
	links  int
}

// walk goes from the root of the file system to the folder of the last of names. It begins with the superuser's
// rights, and goes on with the rights of the first user that can change the rest of the path.
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

// failed adds to an error the whole path, and the user of the rights that were used. Every error is reported as one
// of looking at the path.
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

// restart goes on from the root of the file system, with the present rights, to an absolute path and the remaining
// names.
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

// look takes the rights that the next name calls for, and returns what the name stands for: target is the target of a
// symbolic link.
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

// down enters the folder that was looked at, and refuses another folder that has taken its name since.
func (s *step) down(name string, looked fs.FileInfo) error {
	if !looked.IsDir() {
		return fmt.Errorf("%s is not a folder", filepath.Join(s.path, name))
	}
	return s.do(func() error {
		next, err := s.at.OpenRoot(name + "/.") // with the dot, a pipe of that name is not waited for
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
