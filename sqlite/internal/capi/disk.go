package capi

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// whyNotOpened finds out why SQLite could not open a file of a database when it says that there is no file. After
// SQLite has failed to create a file, it tries to open it without creating. So if the database is there, it is
// another file that could not be made.
func whyNotOpened(database, message string) (syscall.Errno, string) {
	if _, err := os.Lstat(database); database == "" || err != nil {
		return syscall.ENOENT, message
	}
	const file = "SQLite must make a file beside the database"
	dir := filepath.Dir(database)
	if free, ok := freeInodes(dir); ok && free == 0 {
		return syscall.ENOSPC, file + ", and the disk has no free inode"
	}
	if free, ok := FreeSpace(dir); ok && free == 0 {
		return syscall.ENOSPC, file + ", and the disk is full"
	}
	return 0, file + ", and cannot"
}

// NeedSpace returns [ErrNoSpace] if a folder certainly has less free space than is about to be written.
func NeedSpace(dir string, need int64) error {
	free, ok := FreeSpace(dir)
	if ok && free < need {
		return fmt.Errorf("%w in %s: %d bytes free, %d needed", ErrNoSpace, dir, free, need)
	}
	return nil
}
