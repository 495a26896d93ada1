//go:build !linux

package users

// Of returns no processes: only Linux tells which processes have a database open.
func Of(string) []User { return nil }
