package scratch

import (
	"io/fs"
	"syscall"

	"golang.org/x/sys/unix"
)

// own reports whether a file belongs to the user of the calling thread, which may have other rights
// than the process.
func own(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	uid, err := unix.SetfsuidRetUid(-1) // no such user: it changes nothing and returns the present one
	return ok && err == nil && int(stat.Uid) == uid
}

// readFolder opens only a folder, follows no link to it, and does not wait for a pipe that has
// taken its name.
const readFolder = syscall.O_RDONLY | syscall.O_DIRECTORY | syscall.O_NOFOLLOW | syscall.O_NONBLOCK
