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

// replaceFile puts a text in the place of a file at once: whoever reads that meanwhile, or
// after a failure, has the old one. All may read a new one. It need not survive a crash:
// what takes it is made again.
func replaceFile(path, text string) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // a link stays one
	}
	mode := fs.FileMode(0o644)
	if old, err := os.Stat(path); err == nil && !old.Mode().IsRegular() {
		return os.WriteFile(path, []byte(text), mode) // a device or a pipe, not to be replaced
	} else if err == nil {
		mode = old.Mode().Perm()
	}
	temporary, err := private(filepath.Dir(path), stageName(path)+"-*", func(f *os.File) error {
		_, err := f.WriteString(text)
		return errors.Join(err, f.Chmod(mode))
	})
	if err != nil {
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		return errors.Join(err, removeFile(temporary))
	}
	return nil
}

// removeFile removes a file that may be gone already.
func removeFile(path string) error {
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
