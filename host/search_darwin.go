package host

import "golang.org/x/sys/unix"

// openToSearch opens a folder that may be searched, whether or not it may be read.
const openToSearch = unix.O_SEARCH
