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
	return stat{uint64(s.Dev), s.Ino, s.Ctimespec.Nano(), uint64(s.Nlink)}
}
