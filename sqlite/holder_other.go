//go:build !linux

package sqlite

// usedByOthers reports whether another process is certain to have the database open. It cannot be told here.
func (c *conn) usedByOthers() bool { return false }

// onlyUser reports whether nobody else is certain to use the same -shm file. It cannot be told here.
func (c *conn) onlyUser() bool { return false }

// isMountPoint reports whether the file itself is mounted. Only Linux does that.
func isMountPoint(string) bool { return false }
