//go:build unix && !linux

package scratch

import (
	"io/fs"
	"os"
	"syscall"
)

// own reports whether a file belongs to the user of the process.
func own(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}

// readFolder opens only a folder, follows no link to it, and does not wait for a pipe that has
// taken its name.
const readFolder = syscall.O_RDONLY | syscall.O_DIRECTORY | syscall.O_NOFOLLOW | syscall.O_NONBLOCK
