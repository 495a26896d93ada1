package host

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// ReadFolder lists a folder, sorted by name, and returns its path without symbolic links. The way to the folder is gone as by
// [Reach], and the folder is read with the rights that [Reach] would have found for a file in it: root lists no folder
// for another user's link that this user could not list.
func ReadFolder(path string) (real string, entries []fs.DirEntry, err error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", nil, err
	}
	folder, name, err := reach(abs + string(filepath.Separator) + ".")
	if err != nil {
		return "", nil, err
	}
	if name != "." { // the path was used as it is, and is that of the folder
		folder.path = folder.Path(name)
	}
	err = folder.visit(func() (err error) { entries, err = os.ReadDir(folder.Inner("")); return err })
	return folder.path, entries, folder.outward(".", err)
}

// Look describes the file that a path leads to, and returns its path without symbolic links. The way is gone as by [Reach]. A
// missing file, and a link to one, is an error that matches fs.ErrNotExist.
func Look(path string) (real string, info fs.FileInfo, err error) {
	folder, name, err := Reach(path)
	if err != nil {
		return "", nil, err
	}
	err = folder.visit(func() (err error) { info, err = os.Lstat(folder.Inner(name)); return err })
	return folder.Path(name), info, folder.outward(name, err)
}

// visit calls a function on a thread in the folder, and closes both.
func (f *Folder) visit(do func() error) error {
	thread, err := f.Thread()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	defer thread.Close()
	return errors.Join(thread.Do(do), f.Close())
}

// outward has an error of the folder's thread name the whole path.
func (f *Folder) outward(name string, err error) error {
	if inner, ok := errors.AsType[*fs.PathError](err); ok {
		inner.Path = f.Path(name)
	}
	return err
}
