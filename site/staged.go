package site

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"firn/outcome"
	"firn/scratch"
	"firn/sqlite"
)

// Publish gives the file the name of its site, unless something has it.
func (i *Staged) Publish() error {
	return i.Site.At(func(path string) error { return PublishFile(i.Path, path) })
}

// Staged is a file with the image that will replace a target, in a private folder.
type Staged struct {
	Site    *Site // where it lies
	ownSite bool  // which is closed with it
	folder  *scratch.Folder
	Path    string   // as the site's thread names it
	File    *os.File // as it was made, where names could lead elsewhere since; nil where they cannot
}

// Stage makes a private file beside the target, on the same disk, and has it written. It need not survive a crash:
// what makes more of it sees to that. With an error there is no file.
func Stage(at *Site, need int64, write func(*os.File) error) (*Staged, error) {
	if err := NeedSpace(filepath.Dir(at.Path()), need); err != nil {
		return nil, err
	}
	i := &Staged{Site: at}
	err := i.create()
	if err == nil {
		err = write(i.File)
	}
	if err == nil {
		err = i.settle()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("write beside %s: %w", at.Path(), err), i.Remove())
	}
	return i, nil
}

// StageApart is [Stage] in a folder for temporary files: the one that is named, else the system's.
func StageApart(dir, name string, need int64, write func(*os.File) error) (i *Staged, err error) {
	at, err := tempSite(dir, name)
	if err != nil {
		return nil, err
	}
	if i, err = Stage(at, need, write); err != nil {
		return nil, errors.Join(err, at.Close())
	}
	i.ownSite = true
	return i, nil
}

// CheckTempDir refuses a folder of another user's for temporary files. One that is missing is not needed by all runs.
func CheckTempDir() error {
	at, err := tempSite("", "firn")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return errors.Join(err, at.Close())
}

// tempSite returns a site in a folder for temporary files. In a folder of another user's, that user could put other
// files in the place of firn's.
func tempSite(dir, name string) (*Site, error) {
	dir = cmp.Or(dir, os.TempDir())
	at, err := Reach(filepath.Join(dir, name))
	if err != nil {
		return nil, fmt.Errorf("use %s for temporary files: %w", dir, err)
	}
	if at.Folder.Foreign() {
		return nil, errors.Join(outcome.Failed("Name a folder of your own, or one like /tmp that has the sticky bit: --temp-dir, or TMPDIR.",
			"use %s for temporary files: another user can change what is in it", dir), at.Close())
	}
	return at, nil
}

// create makes the empty file.
func (i *Staged) create() error {
	return i.Site.At(func(target string) (err error) {
		if i.folder, err = scratch.Make(filepath.Dir(target)); err != nil {
			return err
		}
		i.Path = i.folder.Path(filepath.Base(target))
		i.File, err = os.OpenFile(i.Path, os.O_RDWR|os.O_CREATE|os.O_EXCL, PrivateMode)
		return err
	})
}

// settle closes the file where no other user can put another one in its place: some systems do not rename open files.
func (i *Staged) settle() error {
	if i.Site.thread != nil {
		return nil
	}
	f := i.File
	i.File = nil
	return f.Close()
}

// At calls a function on the thread that the image's path is for.
func (i *Staged) At(f func(path string) error) error {
	return i.Site.Do(func() error { return f(i.Path) })
}

// Check looks whether the image is a sound database.
func (i *Staged) Check(ctx context.Context) error {
	return i.At(func(path string) error { return sqlite.Check(ctx, path) })
}

// Open opens the image to write more of it.
func (i *Staged) Open() (f *os.File, err error) {
	err = i.At(func(path string) (err error) { f, err = os.OpenFile(path, os.O_RDWR, 0); return err })
	return f, err
}

// CopyTo makes a copy beside a target: an image that had to be made elsewhere takes its place there.
func (i *Staged) CopyTo(at *Site) (*Staged, error) {
	from, err := i.Open()
	if err != nil {
		return nil, err
	}
	defer from.Close()
	info, err := from.Stat()
	if err != nil {
		return nil, err
	}
	return Stage(at, info.Size(), func(f *os.File) error {
		_, err := io.Copy(&WriteBehindFile{File: f}, from)
		return err
	})
}

// Remove removes the file, if it has not become the target, and what SQLite and a scrub file can leave beside it.
func (i *Staged) Remove() error {
	var err error
	if i.File != nil {
		err = i.File.Close()
	}
	err = errors.Join(err, i.Site.Do(i.folder.Remove))
	if i.ownSite {
		err = errors.Join(err, i.Site.Close())
	}
	return err
}
