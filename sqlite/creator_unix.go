//go:build unix

package sqlite

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// nobody is what Linux shows for a user or group that has no number in a container.
const nobody = 65534

// mayMakeSidecars reports whether files that SQLite makes beside a database get the owner and the rights with which all
// who use the database can go on, also if this process is killed before it removes them. SQLite gives them the
// database's mode, and if it runs as the superuser, its owner and group.
func mayMakeSidecars(path string) bool {
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	folder, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return false
	}
	file, ok := info.Sys().(*syscall.Stat_t)
	dir, good := folder.Sys().(*syscall.Stat_t)
	if !ok || !good || unix.Faccessat(unix.AT_FDCWD, filepath.Dir(path), unix.W_OK|unix.X_OK, unix.AT_EACCESS) != nil {
		return false
	}
	mode := info.Mode().Perm()
	if mode&0o600 != 0o600 { // not even the owner could open them
		return false
	}
	uid, gid := creator()
	if uid == 0 && file.Uid != 0 {
		return mayGiveAway() && file.Uid != nobody && file.Gid != nobody
	}
	if uid != int(file.Uid) {
		return false
	}
	if folder.Mode()&fs.ModeSetgid != 0 || runtime.GOOS != "linux" {
		gid = int(dir.Gid)
	}
	// In another group, the group's members have what everybody has.
	return gid == int(file.Gid) || mode>>3&7&^mode == 0
}
