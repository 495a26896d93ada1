//go:build linux || darwin

package main

import "syscall"

// freeSpace returns how many bytes an ordinary user can still write into a folder.
func freeSpace(dir string) (bytes int64, ok bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, false
	}
	return int64(s.Bavail) * int64(s.Bsize), true
}
