//go:build unix

package site

import (
	"os"
	"syscall"
)

// openAtOnce opens a file for reading. It does not wait until another process opens the other end of a pipe.
func openAtOnce(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

// syncFolder makes new names in a folder survive a crash.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
