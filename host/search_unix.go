//go:build unix && !linux && !darwin

package host

import "golang.org/x/sys/unix"

// openToSearch opens a folder, which must be readable on this system.
const openToSearch = unix.O_RDONLY
