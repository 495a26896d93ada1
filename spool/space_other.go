//go:build !linux && !darwin

package spool

// FreeSpace returns how many bytes an ordinary user may still write into a folder, and whether that
// is known. On this system it is not.
func FreeSpace(string) (bytes int64, ok bool) { return 0, false }
