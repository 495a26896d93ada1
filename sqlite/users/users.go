// Package users finds the programs that use a database, and tells which of them have a version of SQLite with a bug that loses commits.
package users

import (
	"strconv"
	"strings"
)

// User is a process that has a database open in WAL mode, with the version of its SQLite.
type User struct {
	Process int
	Command string // name of the process
	Version string // of SQLite, such as "3.45.1"
}

// MayLoseCommits reports whether a version of SQLite has the WAL-reset bug: a checkpoint by one connection while
// another connection restarts the WAL can lose commits or damage the database. The bug is in 3.7.0 to 3.51.2 but for
// the releases that got the fix: 3.44.6, 3.50.7 and later releases of these two lines. A text that is no version has
// no known bug.
func MayLoseCommits(version string) bool {
	parts := strings.Split(version, ".")
	if len(parts) < 3 || parts[0] != "3" {
		return false
	}
	minor, err := strconv.Atoi(parts[1])
	patch, bad := strconv.Atoi(parts[2])
	if err != nil || bad != nil {
		return false
	}
	switch minor {
	case 44:
		return patch < 6
	case 50:
		return patch < 7
	case 51:
		return patch < 3
	}
	return minor >= 7 && minor < 51
}
