package sqlite

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"firn/scratch"
)

// temp is a private temporary file. Where the system allows, it has no name any more: then it is gone with the
// process, however that ends. Elsewhere, and until then, it is in a folder that a later run removes.
type temp struct {
	*os.File
	folder *scratch.Folder // nil when removed already
}

func newTemp(dir string) (*temp, error) {
	folder, err := scratch.Make(dir)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(folder.Path("spool"), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, errors.Join(err, folder.Remove())
	}
	return unlinked(f, folder), nil
}

// unlinked makes a file in a private folder a temp, to which the folder belongs from now on.
func unlinked(f *os.File, folder *scratch.Folder) *temp {
	if os.Remove(f.Name()) == nil && folder.Remove() == nil {
		return &temp{f, nil}
	}
	return &temp{f, folder} // not while it is open, on Windows
}

// Close closes and removes the file. It may be called again.
func (t *temp) Close() error {
	err := t.File.Close()
	if errors.Is(err, fs.ErrClosed) {
		return nil
	}
	return errors.Join(err, t.folder.Remove())
}

// reader delivers the first n bytes and closes the file when it is closed.
func (t *temp) reader(n int64) io.ReadCloser {
	return struct {
		io.Reader
		io.Closer
	}{io.NewSectionReader(t, 0, n), t}
}
