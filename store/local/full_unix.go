//go:build !windows

package local

import (
	"errors"
	"syscall"
)

// isFull reports whether a disk had no room or no inode left for a file, or a quota was
// used up.
func isFull(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }
