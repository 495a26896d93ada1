//go:build !linux

package sqlite_test

// personMain does nothing: other users' processes are played on Linux only.
func personMain() {}
