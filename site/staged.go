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
	"firn/proof"
	"firn/scratch"
	"firn/sqlite"
)

// Staged is a file in a private folder, with the image that will replace a target.
type Staged struct {
	Site    *Site           // the site of the file
	ownSite bool            // Remove closes the site, too
	folder  *scratch.Folder // the private folder
	Path    string          // as the site's thread names the file
	File    *os.File        // still open where another user could replace the file by name; nil elsewhere
}

// Stage makes a private file beside the target, on the same disk, and calls a function that writes it. A crash may destroy
// the file: a caller that gives it a name syncs it first. The caller removes it. After an error no file is left.
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

// StageApart is [Stage] in a folder for temporary files: dir, or the system's folder if dir is "".
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

// CheckTempDir returns an error if the system's folder for temporary files belongs to another user. A missing folder is no
// error, since not all runs need it.
func CheckTempDir() error {
	at, err := tempSite("", "firn")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return errors.Join(err, at.Close())
}

// tempSite returns a site in a folder for temporary files. It refuses a folder of another user's, since that user could
// replace firn's files there.
func tempSite(dir, name string) (*Site, error) {
	dir = cmp.Or(dir, os.TempDir())
	at, err := Reach(filepath.Join(dir, name))
	if err != nil {
		if missing, ok := errors.AsType[*fs.PathError](err); ok {
			err = missing.Err // it names the same folder
		}
		return nil, fmt.Errorf("use %s for temporary files: %w", dir, err)
	}
	if at.Folder.Foreign() {
		return nil, errors.Join(outcome.Failed("Name a folder of your own, or one like /tmp that has the sticky bit: --temp-dir, or TMPDIR.",
			"use %s for temporary files: another user can change what is in it", dir), at.Close())
	}
	return at, nil
}

// create makes the private folder and the empty file in it.
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

// settle closes the file, since some systems do not rename open files. In a folder of another user's it stays open, since
// that user could replace the file.
func (i *Staged) settle() error {
	if i.Site.thread != nil {
		return nil
	}
	f := i.File
	i.File = nil
	return f.Close()
}

// At calls a function with the file's path on the site's thread, which names the file so.
func (i *Staged) At(f func(path string) error) error {
	return i.Site.Do(func() error { return f(i.Path) })
}

// Check runs SQLite's own checks on the image: see [sqlite.Check].
func (i *Staged) Check(ctx context.Context, rules proof.Rules) error {
	check := sqlite.Check
	if rules.NoForeignKeys {
		check = sqlite.CheckIntegrity
	}
	return i.At(func(path string) error { return check(ctx, path) })
}

// Prove checks all pages of the image: see [proof.Rules.Whole]. It takes a tenth of the time of [Staged.Check].
func (i *Staged) Prove(ctx context.Context, rules proof.Rules) (*proof.Result, error) {
	f, err := i.Open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	found, err := rules.Whole(ctx, proof.Image{Reader: f, Size: info.Size()})
	if err != nil {
		return nil, fmt.Errorf("check %s: %w", i.Path, err)
	}
	return found, nil
}

// Open opens the image to read and change it. The caller closes the file.
func (i *Staged) Open() (f *os.File, err error) {
	err = i.At(func(path string) (err error) { f, err = os.OpenFile(path, os.O_RDWR, 0); return err })
	return f, err
}

// CopyTo makes a copy of the image beside a target, for an image that had to be made elsewhere. The caller removes the copy.
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

// Publish gives the file the name of its site. If a file has that name already, the error is [fs.ErrExist].
func (i *Staged) Publish() error {
	return i.Site.At(func(path string) error { return PublishFile(i.Path, path) })
}

// Remove removes the private folder with all files in it: the image, if it has not become the target, and files of SQLite or of
// a scrub file's SQL.
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
