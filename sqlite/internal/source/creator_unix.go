//go:build unix

package source

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// unmapped is the number that Linux shows for a user or group that has no number in a container.
const unmapped = 65534

// mayMakeSidecars reports whether files that SQLite makes beside a database get an owner and rights with which every user
// of the database can go on, even if this process is killed before it removes them. SQLite gives them the database's
// mode, and if it runs as the superuser, its owner and group.
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
		return mayGiveAway() && file.Uid != unmapped && file.Gid != unmapped
	}
	if uid != int(file.Uid) {
		return false
	}
	if folder.Mode()&fs.ModeSetgid != 0 || runtime.GOOS != "linux" {
		gid = int(dir.Gid)
	}
	// A file in another group gives the group's members no more rights than all users have.
	return gid == int(file.Gid) || mode>>3&7&^mode == 0
}
