package site

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// PrivateMode lets only the owner read and write a file.
const PrivateMode = fs.FileMode(0o600)

// Missing reports whether nothing has a name. A symbolic link to nothing is not missing.
func Missing(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// stagePrefix begins the names of private files beside a target.
const stagePrefix = ".firn-"

// StageName begins the names of private files beside one target.
func StageName(target string) string {
	return stagePrefix + filepath.Base(target)
}

// CreatePrivate makes a file that only its owner may read, and returns its path. The
// caller removes it. With an error there is no file.
func CreatePrivate(dir, pattern string, write func(*os.File) error) (path string, err error) {
	f, err := os.CreateTemp(dir, pattern) // with mode 0600
	if err != nil {
		return "", err
	}
	if err := errors.Join(write(f), f.Close()); err != nil {
		return "", errors.Join(err, RemoveFile(f.Name()))
	}
	return f.Name(), nil
}

// PublishFile gives a file that is on the disk its name, which must be free, so that it has
// it after a crash. Where there are no hard links it can only look first.
func PublishFile(temporary, path string) error {
	err := os.Link(temporary, path)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		if !Missing(path) {
			return fs.ErrExist
		}
		err = os.Rename(temporary, path)
	}
	if err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// RemoveFile removes a file that may be gone already.
func RemoveFile(path string) error {
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
