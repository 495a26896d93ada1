package sqlite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// needSpace reports when there is certainly less free space in a folder than is about to be written.
func needSpace(dir string, need int64) error {
	free, ok := freeSpace(dir)
	if ok && free < need {
		return fmt.Errorf("%w in %s: %d bytes free, %d needed", ErrNoSpace, dir, free, need)
	}
	return nil
}

// whyNotOpened finds out why SQLite could not open a file of a database when it says that there is none. It tries to open
// without creating after creating has failed, so that where the database is there it is another file that could not
// be made.
func whyNotOpened(database, message string) (syscall.Errno, string) {
	if _, err := os.Lstat(database); database == "" || err != nil {
		return syscall.ENOENT, message
	}
	const file = "SQLite must make a file beside the database"
	dir := filepath.Dir(database)
	if free, ok := freeInodes(dir); ok && free == 0 {
		return syscall.ENOSPC, file + ", and the disk has no free inode"
	}
	if free, ok := freeSpace(dir); ok && free == 0 {
		return syscall.ENOSPC, file + ", and the disk is full"
	}
	return 0, file + ", and cannot"
}

// syncDir makes a new name in a folder survive a crash. Windows cannot, and does not need to be asked.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
