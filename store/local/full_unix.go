//go:build !windows

package local

import (
	"errors"
	"syscall"
)

// IsFull reports whether a disk had no room or no inode left for a file, or a quota was
// used up.
func IsFull(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }
