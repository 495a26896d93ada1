//go:build !linux

package capi

// LockedByOthers reports which lock on the database file another process is certain to have. This system does not tell.
func (c *Conn) LockedByOthers() (used, exclusive bool) { return false, false }

// OnlyUser reports whether this connection is certain to be the only one that has its -shm file open. This system does
// not tell.
func (c *Conn) OnlyUser() bool { return false }
