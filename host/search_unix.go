//go:build unix && !linux && !darwin

package host

import "golang.org/x/sys/unix"

// openToSearch opens a folder. It must be readable here.
const openToSearch = unix.O_RDONLY
