package site

import (
	"os"
	"syscall"
)

// beginWriting asks the system to begin to write a part of a file to the disk. It does not wait.
func beginWriting(f *os.File, at, n int64) {
	const write = 2 // SYNC_FILE_RANGE_WRITE of linux/fs.h
	_ = syscall.SyncFileRange(int(f.Fd()), at, n, write)
}
