package scratch

import (
	"errors"
	"io/fs"
	"os"
)

// File is a private temporary file. Where the system allows, it has no name any more: then it is gone with the
// process, however the process ends. On other systems it is in a folder that [Sweep] removes.
type File struct {
	*os.File
	folder *Folder // nil when removed already
}

// OpenFile makes an empty file in dir that only its owner may read.
func OpenFile(dir string) (*File, error) {
	folder, err := Make(dir)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(folder.Path("file"), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, errors.Join(err, folder.Remove())
	}
	return Unlink(f, folder), nil
}

// Unlink takes the name from an open file that is alone in a private folder. The folder belongs to the [File] from now on.
func Unlink(f *os.File, folder *Folder) *File {
	if os.Remove(f.Name()) == nil && folder.Remove() == nil {
		return &File{f, nil}
	}
	return &File{f, folder} // not while it is open, on Windows
}

// Close closes and removes the file. It may be called again.
func (f *File) Close() error {
	err := f.File.Close()
	if errors.Is(err, fs.ErrClosed) {
		return nil
	}
	return errors.Join(err, f.folder.Remove())
}
