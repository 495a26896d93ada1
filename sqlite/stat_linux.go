package sqlite

import (
	"io/fs"
	"syscall"
)

func statOf(info fs.FileInfo) stat {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return stat{}
	}
	return stat{uint64(s.Dev), s.Ino, s.Ctim.Nano(), uint64(s.Nlink)}
}
