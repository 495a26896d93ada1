//go:build !linux && !darwin

package spool

// FreeSpace returns how much an ordinary user may still write into a folder, and whether that is known.
func FreeSpace(string) (bytes int64, ok bool) { return 0, false }
