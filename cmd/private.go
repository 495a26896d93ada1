package cmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"firn/snapshot"
)

// stagePrefix begins the names of private files beside a target.
const stagePrefix = ".firn-"

// stageName begins the names of private files beside one target.
func stageName(target string) string {
	return stagePrefix + filepath.Base(target)
}

// stage writes a snapshot's image to a private file beside the target, on the
// same disk, and returns its path. The caller removes it. With an error there is
// no file. It need not survive a crash: whoever makes more of it sees to that.
func (s *session) stage(ctx context.Context, snap *snapshot.Snapshot, target string) (path string, err error) {
	return beside(target, snap.Image().Size, func(f *os.File) error { return s.copyImage(ctx, snap, f) })
}

// beside is [private] for a file in the target's folder. There must be room for it.
func beside(target string, need int64, write func(*os.File) error) (path string, err error) {
	dir := filepath.Dir(target)
	if err := needSpace(dir, need); err != nil {
		return "", err
	}
	path, err = private(dir, stageName(target)+"-*", write)
	if err != nil {
		return "", fmt.Errorf("write beside %s: %w", target, err)
	}
	return path, nil
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
