//go:build unix

package host

import (
	"io/fs"
	"syscall"
)

// Owner returns the owner and the group of a file, and whether they are known.
func Owner(info fs.FileInfo) (uid, gid int, known bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return int(s.Uid), int(s.Gid), true
}
