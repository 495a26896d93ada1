package source

import (
	"io/fs"
	"syscall"
)

// StatOf returns what the system says about a file.
func StatOf(info fs.FileInfo) Stat {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return Stat{}
	}
	return Stat{uint64(s.Dev), s.Ino, s.Ctim.Nano(), uint64(s.Nlink)}
}
