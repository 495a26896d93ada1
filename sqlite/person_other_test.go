//go:build !linux

package sqlite_test

// personMain does nothing: only on Linux the tests have processes of other users.
func personMain() {}
