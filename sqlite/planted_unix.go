//go:build unix

package sqlite

import (
	"io/fs"
	"os"
	"syscall"
)

// planted reports whether a sidecar is from a user who may not write the database, in a folder that all can write. With
// a journal of its own making, such a user could put what it likes into the database, and with one that it keeps open
// read what the database held.
func planted(folder, database, sidecar fs.FileInfo) bool {
	if folder.Mode()&fs.ModeSticky == 0 || database.Mode().Perm()&0o022 != 0 {
		return false // there, others can put another database in its place, or write this one
	}
	of, ok := sidecar.Sys().(*syscall.Stat_t)
	by, known := database.Sys().(*syscall.Stat_t)
	return ok && known && of.Uid != 0 && of.Uid != by.Uid && int(of.Uid) != os.Geteuid()
}
