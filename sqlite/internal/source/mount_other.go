//go:build !linux

package source

// isMountPoint reports whether the file itself is mounted. Only Linux does that.
func isMountPoint(string) bool { return false }
