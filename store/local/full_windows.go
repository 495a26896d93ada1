package local

import (
	"errors"
	"syscall"
)

// The errors of Windows for a disk without room (winerror.h).
const (
	errorHandleDiskFull    = syscall.Errno(39)
	errorDiskFull          = syscall.Errno(112)
	errorDiskQuotaExceeded = syscall.Errno(1295)
)

// IsFull reports whether a disk had no room left for a file, or a quota was
// used up.
func IsFull(err error) bool {
	return errors.Is(err, errorDiskFull) || errors.Is(err, errorHandleDiskFull) || errors.Is(err, errorDiskQuotaExceeded)
}
