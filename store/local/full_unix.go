//go:build !windows

package local

import (
	"errors"
	"syscall"
)

// isFull reports whether a disk had no room, no inode, or no more of a quota for a file.
func isFull(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }
