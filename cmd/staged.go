package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"firn/scratch"
	"firn/sqlite"
)

// stagedImage is a file with the image that will replace a target, in a private folder.
type stagedImage struct {
	site    *site // where it lies
	ownSite bool  // which is closed with it
	folder  *scratch.Folder
	path    string   // as the site's thread names it
	file    *os.File // as it was made, where names could lead elsewhere since; nil where they cannot
}

// stage makes a private file beside the target, on the same disk, and has it written. It need not survive a crash:
// what makes more of it sees to that. With an error there is no file.
func stage(at *site, need int64, write func(*os.File) error) (*stagedImage, error) {
	if err := needSpace(filepath.Dir(at.path()), need); err != nil {
		return nil, err
	}
	i := &stagedImage{site: at}
	err := i.create()
	if err == nil {
		err = write(i.file)
	}
	if err == nil {
		err = i.settle()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("write beside %s: %w", at.path(), err), i.remove())
	}
	return i, nil
}

// stageApart is [stage] in a folder for temporary files: the one that is named, else the system's.
func stageApart(dir, name string, need int64, write func(*os.File) error) (i *stagedImage, err error) {
	at, err := tempSite(dir, name)
	if err != nil {
		return nil, err
	}
	if i, err = stage(at, need, write); err != nil {
		return nil, errors.Join(err, at.close())
	}
	i.ownSite = true
	return i, nil
}

// checkTempDir refuses a folder of another user's for temporary files. One that is missing is not needed by all runs.
func checkTempDir() error {
	at, err := tempSite("", "firn")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return errors.Join(err, at.close())
}

// tempSite returns a site in a folder for temporary files. In a folder of another user's, that user could put other
// files in the place of firn's.
func tempSite(dir, name string) (*site, error) {
	dir = cmp.Or(dir, os.TempDir())
	at, err := reachSite(filepath.Join(dir, name))
	if err != nil {
		return nil, fmt.Errorf("use %s for temporary files: %w", dir, err)
	}
	if at.folder.Foreign() {
		return nil, errors.Join(failed("Name a folder of your own, or one like /tmp that has the sticky bit: --temp-dir, or TMPDIR.",
			"use %s for temporary files: another user can change what is in it", dir), at.close())
	}
	return at, nil
}

// create makes the empty file.
func (i *stagedImage) create() error {
	return i.site.at(func(target string) (err error) {
		if i.folder, err = scratch.Make(filepath.Dir(target)); err != nil {
			return err
		}
		i.path = i.folder.Path(filepath.Base(target))
		i.file, err = os.OpenFile(i.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, privateMode)
		return err
	})
}

// settle closes the file where no other user can put another one in its place: some systems do not rename open files.
func (i *stagedImage) settle() error {
	if i.site.thread != nil {
		return nil
	}
	f := i.file
	i.file = nil
	return f.Close()
}

// at calls a function on the thread that the image's path is for.
func (i *stagedImage) at(f func(path string) error) error {
	return i.site.do(func() error { return f(i.path) })
}

// check looks whether the image is a sound database.
func (i *stagedImage) check(ctx context.Context) error {
	return i.at(func(path string) error { return sqlite.Check(ctx, path) })
}

// open opens the image to write more of it.
func (i *stagedImage) open() (f *os.File, err error) {
	err = i.at(func(path string) (err error) { f, err = os.OpenFile(path, os.O_RDWR, 0); return err })
	return f, err
}

// copyTo makes a copy beside a target: an image that had to be made elsewhere takes its place there.
func (i *stagedImage) copyTo(at *site) (*stagedImage, error) {
	from, err := i.open()
	if err != nil {
		return nil, err
	}
	defer from.Close()
	info, err := from.Stat()
	if err != nil {
		return nil, err
	}
	return stage(at, info.Size(), func(f *os.File) error {
		_, err := io.Copy(&aheadFile{File: f}, from)
		return err
	})
}

// remove removes the file, if it has not become the target, and what SQLite and a scrub file can leave beside it.
func (i *stagedImage) remove() error {
	var err error
	if i.file != nil {
		err = i.file.Close()
	}
	err = errors.Join(err, i.site.do(i.folder.Remove))
	if i.ownSite {
		err = errors.Join(err, i.site.close())
	}
	return err
}
