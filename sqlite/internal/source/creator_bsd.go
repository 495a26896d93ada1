//go:build unix && !linux

package source

import "os"

// creator returns the owner and group of the files that the process makes.
func creator() (uid, gid int) { return os.Geteuid(), os.Getegid() }

// mayGiveAway reports whether the superuser may change owners.
func mayGiveAway() bool { return true }
