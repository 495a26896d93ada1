//go:build unix

package source

import (
	"io/fs"
	"os"
	"syscall"
)

// planted reports whether a sidecar was made by a user without the right to write the database, in a folder that all
// users can write. Such a user could make a journal to put arbitrary content into the database, or keep a journal open to
// read what the database held.
func planted(folder, database, sidecar fs.FileInfo) bool {
	if folder.Mode()&fs.ModeSticky == 0 || database.Mode().Perm()&0o022 != 0 {
		return false // other users can replace the database there, or write it
	}
	of, ok := sidecar.Sys().(*syscall.Stat_t)
	by, known := database.Sys().(*syscall.Stat_t)
	return ok && known && of.Uid != 0 && of.Uid != by.Uid && int(of.Uid) != os.Geteuid()
}
