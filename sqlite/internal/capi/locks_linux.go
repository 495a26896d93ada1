package capi

import (
	"golang.org/x/sys/unix"
	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// SQLite's locks. Each connection to a database in WAL mode holds a lock in the shared range of its file, and a lock on
// the last byte of -shm.
const (
	sharedFirst = pendingByte + 2
	sharedSize  = 510
	shmLast     = 128
)

// LockedByOthers reports which lock on the database file another process is certain to have: used is the lock that every
// connection to a database in WAL mode holds; exclusive is the lock of an application that lets no other process in, and
// then needs no -shm. It asks through SQLite's own descriptor: another descriptor must not be closed.
func (c *Conn) LockedByOthers() (used, exclusive bool) {
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

// OnlyUser reports whether this connection is certain to be the only one that has its -shm file open.
func (c *Conn) OnlyUser() bool {
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

// unixFile returns SQLite's records of the file and of its inode; nil for a file of another VFS.
func (c *Conn) unixFile() (*lib.TunixFile, *lib.TunixInodeInfo) {
	f, err := c.File()
	if err != nil {
		return nil, nil
	}
	file := (*lib.TunixFile)(pointer(f.p))
	if file.FpInode == 0 {
		return nil, nil
	}
	return file, (*lib.TunixInodeInfo)(pointer(file.FpInode))
}
