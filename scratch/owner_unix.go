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
