//go:build !linux

package sqlite

// lockedByOthers tells which locks another process is certain to have. It cannot be told here.
func (c *conn) lockedByOthers() (used, exclusive bool) { return false, false }

// onlyUser reports whether nobody else is certain to use the same -shm file. It cannot be told here.
func (c *conn) onlyUser() bool { return false }

// isMountPoint reports whether the file itself is mounted. Only Linux does that.
func isMountPoint(string) bool { return false }
