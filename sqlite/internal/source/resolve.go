package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"firn/sqlite/internal/capi"
)

// Resolve returns the absolute path, without symbolic links, of a file that can be a database. After [ErrEmpty] the path
// is valid too. Other errors are fs.ErrNotExist, fs.ErrPermission, [ErrNotFile] and [capi.ErrNotDatabase].
func Resolve(path string) (string, fs.FileInfo, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", nil, err
	}
	named := path
	if path, err = filepath.EvalSymlinks(path); err != nil {
		if missing, ok := errors.AsType[*fs.PathError](err); ok && missing.Path == named {
			err = missing.Err // the caller names the file itself; a folder above it is named here
		}
		return "", nil, err
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", nil, err
	case info.IsDir():
		return "", nil, fmt.Errorf("%w but a directory", ErrNotFile)
	case !info.Mode().IsRegular():
		return "", nil, ErrNotFile
	case info.Size() == 0:
		// SQLite would take it for a new database, and delete a WAL beside it.
		return path, info, ErrEmpty
	case info.Size() < capi.MinPageSize: // SQLite takes even a file of one byte for a new database
		return "", nil, fmt.Errorf("%w: %d bytes", capi.ErrNotDatabase, info.Size())
	}
	return path, info, nil
}
