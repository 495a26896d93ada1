package site

import (
	"os"
	"syscall"
)

// beginWriting has the disk begin with a part of a file.
func beginWriting(f *os.File, at, n int64) {
	const write = 2 // SYNC_FILE_RANGE_WRITE of linux/fs.h
	_ = syscall.SyncFileRange(int(f.Fd()), at, n, write)
}
