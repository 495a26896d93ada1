//go:build unix

package sqlite

import (
	"io/fs"
	"os"
	"syscall"
)

// sameOwner gives a file the owner and group of another.
func sameOwner(f *os.File, of fs.FileInfo) error {
	s, ok := of.Sys().(*syscall.Stat_t)
	if !ok || int(s.Uid) == os.Geteuid() && int(s.Gid) == os.Getegid() {
		return nil
	}
	return f.Chown(int(s.Uid), int(s.Gid))
}
