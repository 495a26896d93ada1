package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"firn/sqlite/internal/capi"
)

// Sidecars returns the ends of the names of files that SQLite takes for a part of the database beside them.
func Sidecars() []string { return []string{"-wal", "-shm", "-journal"} }

// CheckSidecars returns [ErrStrangeSidecar] if a file with the name of a database's journal, WAL or -shm is no regular
// file: an application's user decides which files lie there, and SQLite would wait for ever for a writer of a pipe. A
// file that is put there afterwards is refused by [capi.Harden], or found by the caller's own time limit.
func CheckSidecars(path string) error {
	database, err := os.Stat(path)
	if err != nil {
		return err
	}
	folder, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return err
	}
	for _, suffix := range Sidecars() {
		info, err := os.Lstat(path + suffix)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%w: %s is %s", ErrStrangeSidecar, filepath.Base(path)+suffix, kindOf(info.Mode()))
		}
		if planted(folder, database, info) {
			return fmt.Errorf("%w: %s belongs to a user who may not write the database", ErrStrangeSidecar, filepath.Base(path)+suffix)
		}
	}
	return nil
}

// kindOf names the kind of a file that is not a regular one.
func kindOf(mode fs.FileMode) string {
	switch mode.Type() {
	case fs.ModeDir:
		return "a directory"
	case fs.ModeSymlink:
		return "a symbolic link"
	case fs.ModeNamedPipe:
		return "a named pipe"
	case fs.ModeSocket:
		return "a socket"
	}
	return "a device"
}

// otherName returns another name that the file has in its folder, if a WAL or a journal lies beside that name: the file
// was opened by it. Names in other folders cannot be found.
func otherName(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil || StatOf(info).Links < 2 {
		return "", err
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return "", nil // the folder may be passed, but not listed
	}
	for _, entry := range entries {
		other := filepath.Join(filepath.Dir(path), entry.Name())
		if other == path || !entry.Type().IsRegular() || !capi.NonEmpty(other+"-wal") && !capi.NonEmpty(other+"-journal") {
			continue
		}
		if same, err := os.Lstat(other); err == nil && os.SameFile(info, same) {
			return entry.Name(), nil
		}
	}
	return "", nil
}
