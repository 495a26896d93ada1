//go:build linux || darwin

package capi

import "syscall"

// FreeSpace returns how many bytes are free on the disk of a folder, if the system tells.
func FreeSpace(dir string) (bytes int64, ok bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, false
	}
	return int64(s.Bavail) * int64(s.Bsize), true
}

// freeInodes returns how many more files the disk takes. Some file systems have no such number.
func freeInodes(dir string) (files int64, ok bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil || s.Files == 0 {
		return 0, false
	}
	return int64(s.Ffree), true
}
