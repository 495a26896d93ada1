package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"firn/sqlite/internal/capi"
)

// checkSidecars refuses a database beside which something lies under the name of a journal, a WAL or a -shm that is no
// regular file: SQLite would wait for ever for who writes into a pipe, and an application's user decides what lies there.
// What is put there afterwards is found by [Harden], or by who waits for the call.
func checkSidecars(path string) error {
	database, err := os.Stat(path)
	if err != nil {
		return err
	}
	folder, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return err
	}
	for _, suffix := range sidecars {
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

// kindOf says what a file is that is not a regular one.
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

// otherName returns another name that the file has in its folder, if what SQLite needs beside the file is beside that
// name: the file was opened by it. Names elsewhere cannot be found.
func otherName(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil || statOf(info).links < 2 {
		return "", err
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return "", nil // a folder that may be passed, but not listed
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
