//go:build unix

package local

import (
	"io/fs"
	"os"
	"syscall"
)

// heirOf returns the owner and group for new files and folders in a folder.
func heirOf(folder fs.FileInfo) heir {
	h := heir{uid: -1, gid: -1, shared: isShared(folder)}
	s, known := folder.Sys().(*syscall.Stat_t)
	if known && os.Geteuid() == 0 && s.Uid != 0 {
		h.uid, h.gid = int(s.Uid), int(s.Gid)
	}
	return h
}

// readFolder opens only a folder, follows no link to it, and does not wait.
const readFolder = readOnly | syscall.O_DIRECTORY | syscall.O_NOFOLLOW

// readOnly opens a file without waiting: if a pipe had that name, opening it would
// wait for a writer.
const readOnly = os.O_RDONLY | syscall.O_NONBLOCK
