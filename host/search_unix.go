//go:build unix && !linux

package host

import "golang.org/x/sys/unix"

// openToSearch opens a folder. It must be readable here.
const openToSearch = unix.O_RDONLY

// hasACL knows of no access control lists here: they are no part of a mode.
func hasACL(string) bool { return false }
