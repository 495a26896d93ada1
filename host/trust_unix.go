//go:build unix

package host

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/sys/unix"
)

// Open opens a file for reading that only the caller and root can have written, or returns an
// [UntrustedError]. Every folder and symbolic link on the way is judged, too: a user with the right
// to change one of them can put another file in the place of this file.
//
// Open never judges a name and opens it afterwards. It holds each folder open, judges it as it was
// opened, and looks up the next name in it. The caller reads from the descriptor that was judged.
//
// A path such as /dev/stdin or /dev/fd/63 stands for a file that the caller has opened already, and
// is not judged.
func Open(path string) (*os.File, error) {
	if HandedOver(path) {
		return os.Open(path)
	}
	w, err := begin(path)
	if err != nil {
		return nil, err
	}
	defer w.close()
	if err := w.walk(); err != nil {
		return nil, err
	}
	if w.file == nil {
		return nil, w.failed(unix.EISDIR)
	}
	return w.file, nil
}

// MakeFolder makes a folder with mode 0700, and its parents. Folders that exist are accepted if
// [Open] would read a file in them. It returns an [UntrustedError] if another user can change the
// way to the folder; then nothing was made in folders of other users.
func MakeFolder(path string) error { return makeFolder(path, trust.judgeOpened) }

// MakePrivateFolder is [MakeFolder] for a folder that only the caller and root may write: a sticky
// bit is not enough, since other users could be first to take a name in it.
func MakePrivateFolder(path string) error { return makeFolder(path, trust.judgePrivate) }

func makeFolder(path string, judge func(trust, *os.File) error) error {
	w, err := begin(path)
	if err != nil {
		return err
	}
	defer w.close()
	w.makes = true
	if err := w.walk(); err != nil {
		return err
	}
	if w.file != nil {
		return errors.Join(w.failed(unix.ENOTDIR), w.file.Close())
	}
	return judge(w.trust, w.dir)
}

// descriptor matches paths that stand for open files of the process.
var descriptor = regexp.MustCompile(`^/dev/(stdin|stdout|stderr|fd/\d+)$|^/proc/(self|thread-self)/fd/\d+$`)

// HandedOver reports whether a path stands for a file that the process was given open,
// such as /dev/stdin or /dev/fd/63.
func HandedOver(path string) bool { return descriptor.MatchString(filepath.Clean(path)) }

// way is a walk along a path.
type way struct {
	whole string   // the path that the caller gave
	rest  []string // names that are still to be looked up
	dir   *os.File // the folder that was reached; its name is the path without links
	file  *os.File // the file that the path leads to; nil for a folder
	links int      // followed so far
	makes bool     // missing folders are made
	trust trust
}

// begin opens the root, where each path starts.
func begin(path string) (*way, error) {
	whole, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	w := &way{whole: whole, rest: names(whole), trust: caller()}
	return w, w.restart()
}

func names(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
}

func (w *way) restart() error { return w.enter(unix.AT_FDCWD, "/", "/") }

func (w *way) close() {
	if w.dir != nil {
		_ = w.dir.Close() // nothing was written
	}
}

// failed returns an error of the path as a whole, in the form of package os.
func (w *way) failed(err error) error { return &fs.PathError{Op: "open", Path: w.whole, Err: err} }

// walk goes to the end of the path.
func (w *way) walk() error {
	for len(w.rest) > 0 {
		name := w.rest[0]
		w.rest = w.rest[1:]
		if err := w.step(name); err != nil {
			return err
		}
		if w.file != nil && len(w.rest) > 0 {
			return errors.Join(w.failed(unix.ENOTDIR), w.file.Close())
		}
	}
	return nil
}

// step goes on by one name.
func (w *way) step(name string) error {
	path := filepath.Join(w.dir.Name(), name)
	found, err := w.look(name)
	if err != nil {
		return w.failed(err)
	}
	switch found.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return w.enter(int(w.dir.Fd()), name, path)
	case unix.S_IFLNK:
		return w.follow(name, path, found)
	}
	// Opening a pipe waits for its other end, for ever if a user without trust holds it.
	if err := w.trust.judge(path, found); err != nil {
		return err
	}
	return w.open(name, path)
}

// look finds out what a name stands for, and makes a missing folder if the walk makes folders.
func (w *way) look(name string) (*unix.Stat_t, error) {
	var found unix.Stat_t
	err := unix.Fstatat(int(w.dir.Fd()), name, &found, unix.AT_SYMLINK_NOFOLLOW)
	if !w.makes || !errors.Is(err, fs.ErrNotExist) {
		return &found, err
	}
	if err := unix.Mkdirat(int(w.dir.Fd()), name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return &found, unix.Fstatat(int(w.dir.Fd()), name, &found, unix.AT_SYMLINK_NOFOLLOW)
}

// enter goes into a folder, judged as it was opened.
func (w *way) enter(parent int, name, path string) error {
	fd, err := unix.Openat(parent, name, openToSearch|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return w.failed(err)
	}
	w.close()
	w.dir = os.NewFile(uintptr(fd), path)
	return w.trust.judgeOpened(w.dir)
}

// follow replaces the name of a link by the link's target.
func (w *way) follow(name, path string, link *unix.Stat_t) error {
	if err := w.trust.judge(path, link); err != nil {
		return err
	}
	if w.links++; w.links > maxLinks {
		return w.failed(unix.ELOOP)
	}
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(int(w.dir.Fd()), name, buf)
	if err != nil {
		return w.failed(err)
	}
	target := string(buf[:n])
	w.rest = append(names(target), w.rest...)
	if filepath.IsAbs(target) {
		return w.restart()
	}
	return nil
}

// open opens a file that is no folder, and judges it as it was opened.
func (w *way) open(name, path string) error {
	fd, err := unix.Openat(int(w.dir.Fd()), name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return w.failed(err)
	}
	f := os.NewFile(uintptr(fd), w.whole)
	found, err := fstat(f)
	if err == nil {
		err = w.trust.judge(path, found)
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	w.file = f
	return nil
}
