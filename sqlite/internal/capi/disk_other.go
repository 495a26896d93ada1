//go:build !linux && !darwin

package capi

// FreeSpace returns how many bytes are free on the disk of a folder, if the system tells.
func FreeSpace(string) (bytes int64, ok bool) { return 0, false }

func freeInodes(string) (files int64, ok bool) { return 0, false }
