package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"firn/sqlite"
)

// stagedImage is a private file with the image that will replace a target.
type stagedImage struct {
	site *site    // where it lies
	path string   // as the site's thread names it
	file *os.File // as it was made, where names could lead elsewhere since; nil where they cannot
	dir  string   // that was made for it alone; "" for none
}

// stage makes a private file beside the target, on the same disk, and has it written. It need not survive a crash:
// what makes more of it sees to that. With an error there is no file.
func stage(at *site, need int64, write func(*os.File) error) (*stagedImage, error) {
	if err := needSpace(filepath.Dir(at.path()), need); err != nil {
		return nil, err
	}
	i := &stagedImage{site: at}
	if err := i.create(); err != nil {
		return nil, fmt.Errorf("write beside %s: %w", at.path(), err)
	}
	err := write(i.file)
	if err == nil {
		err = i.settle()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("write beside %s: %w", at.path(), err), i.remove())
	}
	return i, nil
}

// stageApart is [stage] in a folder below the one for temporary files, which is made for the image alone.
func stageApart(name string, need int64, write func(*os.File) error) (i *stagedImage, err error) {
	dir, err := tempDir("")
	if err != nil {
		return nil, err
	}
	if dir, err = os.MkdirTemp(dir, "firn-*"); err != nil { // with mode 0700
		return nil, err
	}
	at, err := reachSite(filepath.Join(dir, name))
	if err == nil {
		i, err = stage(at, need, write)
	}
	if err != nil {
		return nil, errors.Join(err, at.close(), os.RemoveAll(dir))
	}
	i.dir = dir
	return i, nil
}

// tempDir returns the folder for temporary files: the one that is named, else the system's. In one of another user's, that
// user could put other files in the place of firn's.
func tempDir(named string) (string, error) {
	dir := cmp.Or(named, os.TempDir())
	at, err := reachSite(filepath.Join(dir, "firn"))
	if err != nil {
		return "", fmt.Errorf("use %s for temporary files: %w", dir, err)
	}
	defer at.close()
	if at.folder.Foreign() {
		return "", failed("Set TMPDIR to a folder of your own, or to one like /tmp that has the sticky bit.",
			"use %s for temporary files: another user can change what is in it", dir)
	}
	return dir, nil
}

// create makes the empty file.
func (i *stagedImage) create() error {
	return i.site.at(func(target string) (err error) {
		if i.file, err = os.CreateTemp(filepath.Dir(target), stageName(target)+"-*"); err == nil { // with mode 0600
			i.path = i.file.Name()
		}
		return err
	})
}

// settle closes the file where nobody else can put another one in its place: some systems do not rename open files.
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
func (i *stagedImage) copyTo(at *site, size int64) (*stagedImage, error) {
	from, err := i.open()
	if err != nil {
		return nil, err
	}
	defer from.Close()
	return stage(at, size, func(f *os.File) error {
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
	err = errors.Join(err, i.at(removeStaged))
	if i.dir != "" {
		err = errors.Join(err, i.site.close(), os.RemoveAll(i.dir))
	}
	return err
}
