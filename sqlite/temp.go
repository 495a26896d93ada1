package sqlite

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// temp is a private temporary file. Where the system allows, it has no name any more: then it is gone with the
// process, however that ends.
type temp struct {
	*os.File
	name string // of it or of its private folder; empty when removed already
}

func newTemp(dir string) (*temp, error) {
	f, err := os.CreateTemp(dir, "firn-*") // with mode 0600
	if err != nil {
		return nil, err
	}
	return unlinked(f), nil
}

func unlinked(f *os.File) *temp {
	if err := os.Remove(f.Name()); err == nil {
		return &temp{f, ""}
	}
	return &temp{f, f.Name()} // not while it is open, on Windows
}

// Close closes and removes the file. It may be called again.
func (t *temp) Close() error {
	err := t.File.Close()
	if errors.Is(err, fs.ErrClosed) {
		return nil
	}
	if t.name != "" {
		err = errors.Join(err, os.RemoveAll(t.name))
	}
	return err
}

// reader delivers the first n bytes and closes the file when it is closed.
func (t *temp) reader(n int64) io.ReadCloser {
	return struct {
		io.Reader
		io.Closer
	}{io.NewSectionReader(t, 0, n), t}
}
