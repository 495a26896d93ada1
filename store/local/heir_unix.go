//go:build unix

package local

import (
	"io/fs"
	"os"
	"syscall"
)

// heirOf returns the owner and group for what is made in a folder.
func heirOf(folder fs.FileInfo) heir {
	h := heir{uid: -1, gid: -1}
	s, known := folder.Sys().(*syscall.Stat_t)
	if !known {
		return h
	}
	if os.Geteuid() == 0 && s.Uid != 0 {
		h.uid, h.gid = int(s.Uid), int(s.Gid)
	}
	if folder.Mode().Perm()&0o070 == 0o070 {
		h.gid, h.shared = int(s.Gid), true
	}
	return h
}

// readOnly opens a file without waiting: a pipe of that name would have no writer.
const readOnly = os.O_RDONLY | syscall.O_NONBLOCK
