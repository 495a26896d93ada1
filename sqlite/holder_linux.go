package sqlite

import (
	"golang.org/x/sys/unix"
	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// SQLite's locks. Everybody who has a database in WAL mode open holds one in the shared range of its file, and one on the
// last byte of -shm.
const (
	sharedFirst = pendingByte + 2
	sharedSize  = 510
	shmLast     = 128
)

// lockedByOthers tells which locks another process has of those that all who have a WAL database open hold: used is the
// usual one; exclusive is that of an application that lets nobody else in, and then needs no -shm. It asks through
// SQLite's own descriptor: another one must not be closed.
func (c *conn) lockedByOthers() (used, exclusive bool) {
	f, inode := c.unixFile()
	if f == nil || inode.FnShared > 0 || inode.FeFileLock > 0 { // by this process, too
		return false, false
	}
	lock := unix.Flock_t{Type: unix.F_WRLCK, Start: sharedFirst, Len: sharedSize}
	ask := unix.F_GETLK
	if sqlite.OFDLockingEnabled() {
		ask = unix.F_OFD_GETLK
	}
	if unix.FcntlFlock(uintptr(f.Fh), ask, &lock) != nil {
		return false, false
	}
	return lock.Type == unix.F_RDLCK, lock.Type == unix.F_WRLCK
}

// onlyUser reports whether nobody but this connection has the -shm file open that it uses.
func (c *conn) onlyUser() bool {
	_, inode := c.unixFile()
	if inode == nil || inode.FpShmNode == 0 {
		return false
	}
	node := (*lib.TunixShmNode)(pointer(inode.FpShmNode))
	if node.FhShm < 0 || node.FnRef > 1 {
		return false
	}
	lock := unix.Flock_t{Type: unix.F_WRLCK, Start: shmLast, Len: 1}
	return unix.FcntlFlock(uintptr(node.FhShm), unix.F_GETLK, &lock) == nil && lock.Type == unix.F_UNLCK
}

// unixFile returns what SQLite knows of the file and its inode; nil for a file that is no such one.
func (c *conn) unixFile() (*lib.TunixFile, *lib.TunixInodeInfo) {
	f, err := c.file()
	if err != nil {
		return nil, nil
	}
	file := (*lib.TunixFile)(pointer(f.p))
	if file.FpInode == 0 {
		return nil, nil
	}
	return file, (*lib.TunixInodeInfo)(pointer(file.FpInode))
}

// isMountPoint reports whether the file itself is mounted, as "docker -v FILE:FILE" does.
func isMountPoint(path string) bool {
	var s unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW|unix.AT_STATX_DONT_SYNC, 0, &s)
	return err == nil && s.Attributes_mask&s.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0
}
