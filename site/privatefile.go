package site

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// PrivateMode lets only the owner read and write a file.
const PrivateMode = fs.FileMode(0o600)

// Missing reports whether no file has this path. A symbolic link to a missing file is not missing itself.
func Missing(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// stagePrefix is the prefix of the names of all private files that firn makes beside a target.
const stagePrefix = ".firn-"

// StageName returns the prefix of the names of private files beside one target.
func StageName(target string) string {
	return stagePrefix + filepath.Base(target)
}

// CreatePrivate makes a file that only its owner may read, calls a function that writes it, and returns its path. The
// caller removes the file. After an error no file is left.
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

// PublishFile gives a file, which must be on the disk, its final name, and makes the name survive a crash. If a file has
// that name already, the error is [fs.ErrExist]. On a file system without hard links the check and the renaming are two
// steps: a file that gets the name between them is replaced.
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

// RemoveFile removes a file. A file that is gone already is no error.
func RemoveFile(path string) error {
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
