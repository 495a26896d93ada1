package cmd

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// stagePrefix begins the names of private files beside a target.
const stagePrefix = ".firn-"

// stageName begins the names of private files beside one target.
func stageName(target string) string {
	return stagePrefix + filepath.Base(target)
}

// private makes a file that only its owner may read, and returns its path. The
// caller removes it. With an error there is no file.
func private(dir, pattern string, write func(*os.File) error) (path string, err error) {
	f, err := os.CreateTemp(dir, pattern) // with mode 0600
	if err != nil {
		return "", err
	}
	if err := errors.Join(write(f), f.Close()); err != nil {
		return "", errors.Join(err, removeFile(f.Name()))
	}
	return f.Name(), nil
}

// publishFile gives a file that is on the disk its name, which must be free, so that it has
// it after a crash. Where there are no hard links it can only look first.
func publishFile(temporary, path string) error {
	err := os.Link(temporary, path)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		if !missing(path) {
			return fs.ErrExist
		}
		err = os.Rename(temporary, path)
	}
	if err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// removeFile removes a file that may be gone already.
func removeFile(path string) error {
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
