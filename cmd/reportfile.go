package cmd

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"firn/host"
)

// reportFile is a file for other programs, such as that of metrics: it is read and replaced as a whole. In a folder that another user
// can write, firn works with that user's rights, and does not follow links, nor wait for
// what is no file: a link there leads where that user wants, and a pipe to nowhere.
type reportFile struct {
	path   string // as the thread names it that works in the folder
	shared bool   // others can write the folder
}

// atFile calls f with a file, which may be missing.
func atFile(path string, f func(reportFile) error) error {
	if host.HandedOver(path) {
		return f(reportFile{path, false})
	}
	at, err := reachSite(path)
	if err != nil {
		return fmt.Errorf("reach %s: %w", path, err)
	}
	defer at.close() // nothing is written by it
	shared := !at.closed()
	err = at.at(func(path string) error { return f(reportFile{path, shared}) })
	if rights := at.folder.Rights(); err != nil && rights != nil {
		return fmt.Errorf("with the rights of uid %d, who can change the way to %s: %w", rights.UID, path, err)
	}
	return err
}

// maxReport is more than the metrics of 10,000 environments take, in bytes.
const maxReport = 32 << 20

// read returns the content, "" for a file that is missing.
func (r reportFile) read() (string, error) {
	if err := r.check(); err != nil {
		return "", err
	}
	f, err := openAtOnce(r.path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	} else if err != nil {
		return "", err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return "", err // nothing can be read from what only passes on
	}
	b, err := io.ReadAll(io.LimitReader(f, maxReport+1))
	if err == nil && len(b) > maxReport {
		err = fmt.Errorf("%s has more than %s", filepath.Base(r.path), size(maxReport))
	}
	return string(b), err
}

// check refuses what another user may have put there instead of a file.
func (r reportFile) check() error {
	info, err := os.Lstat(r.path)
	if !r.shared || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no regular file, and others can write its folder", filepath.Base(r.path))
	}
	return err
}

// replace puts a text in the place of the file at once: a program that reads that meanwhile,
// or after a failure, has the old one. All may read a new one. It need not survive a
// crash: what takes it is made again.
func (r reportFile) replace(text string) error {
	if err := r.check(); err != nil {
		return err
	}
	path, mode := r.path, fs.FileMode(0o644)
	if target, err := filepath.EvalSymlinks(path); err == nil && !r.shared {
		path = target // a link stays one
	}
	if old, err := os.Stat(path); err == nil && !old.Mode().IsRegular() && !r.shared {
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
	if err := os.Rename(temporary, path); err != nil { // replaces a link, too, that came meanwhile
		return errors.Join(err, removeFile(temporary))
	}
	return nil
}

// replaceFile is [reportFile.replace] for a file that is not read before.
func replaceFile(path, text string) error {
	return atFile(path, func(f reportFile) error { return f.replace(text) })
}
