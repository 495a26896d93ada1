//go:build !linux && !darwin

package sqlite

func freeSpace(string) (bytes int64, ok bool) { return 0, false }

func freeInodes(string) (files int64, ok bool) { return 0, false }
