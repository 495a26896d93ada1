package site

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"firn/host"
	"firn/report"
)

// ReportFile is a file for other programs, such as the file of metrics. It is read and replaced as a whole. In a folder
// that another user can write, firn works with that user's rights. It follows no link there, since a link leads where that
// user wants. It opens regular files alone, since the opening of a pipe can wait forever.
type ReportFile struct {
	path   string // as the thread that works in the folder names it
	shared bool   // other users can write the folder
}

// AtFile calls f with the file at a path, with the rights of the user of the folder if that is another one. The file may
// be missing. The [ReportFile] must not be used after f has returned.
func AtFile(path string, f func(ReportFile) error) error {
	if host.HandedOver(path) {
		return f(ReportFile{path, false})
	}
	at, err := Reach(path)
	if err != nil {
		return fmt.Errorf("reach %s: %w", path, err)
	}
	defer at.Close() // nothing is written by it
	shared := !at.Closed()
	err = at.At(func(path string) error { return f(ReportFile{path, shared}) })
	if rights := at.Folder.Rights(); err != nil && rights != nil {
		return fmt.Errorf("with the rights of uid %d, who can change the way to %s: %w", rights.UID, path, err)
	}
	return err
}

// maxReport is more than the metrics of 10,000 environments take, in bytes.
const maxReport = 32 << 20

// Read returns the content, "" for a file that is missing.
func (r ReportFile) Read() (string, error) {
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
		return "", err // a device or a pipe has no content to keep
	}
	b, err := io.ReadAll(io.LimitReader(f, maxReport+1))
	if err == nil && len(b) > maxReport {
		err = fmt.Errorf("%s has more than %s", filepath.Base(r.path), report.Size(maxReport))
	}
	return string(b), err
}

// check returns an error if other users can write the folder and the path leads to anything but a regular file.
func (r ReportFile) check() error {
	info, err := os.Lstat(r.path)
	if !r.shared || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no regular file, and others can write its folder", filepath.Base(r.path))
	}
	return err
}

// Replace replaces the content of the file by a text. A program that reads the file meanwhile, or after a failure, gets
// the whole old content. A new file can be read by all users. The new content may be lost in a crash: the next run writes
// it again.
func (r ReportFile) Replace(text string) error {
	if err := r.check(); err != nil {
		return err
	}
	path, mode := r.path, fs.FileMode(0o644)
	if target, err := filepath.EvalSymlinks(path); err == nil && !r.shared {
		path = target // the link stays a link
	}
	if old, err := os.Stat(path); err == nil && !old.Mode().IsRegular() && !r.shared {
		return os.WriteFile(path, []byte(text), mode) // a device or a pipe, not to be replaced
	} else if err == nil {
		mode = old.Mode().Perm()
	}
	temporary, err := CreatePrivate(filepath.Dir(path), StageName(path)+"-*", func(f *os.File) error {
		_, err := f.WriteString(text)
		return errors.Join(err, f.Chmod(mode))
	})
	if err != nil {
		return err
	}
	if err := os.Rename(temporary, path); err != nil { // this also replaces a link that has appeared meanwhile
		return errors.Join(err, RemoveFile(temporary))
	}
	return nil
}

// ReplaceFile replaces the content of the file at a path as [ReportFile.Replace] does.
func ReplaceFile(path, text string) error {
	return AtFile(path, func(f ReportFile) error { return f.Replace(text) })
}
