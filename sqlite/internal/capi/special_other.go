//go:build !linux

package capi

// refuseSpecialFiles does nothing. Callers look at the files before SQLite opens them.
func refuseSpecialFiles() error { return nil }
