//go:build !windows

package local

import (
	"errors"
	"os"
	"syscall"
)

// SyncFolder makes the names in a folder durable. Some network file systems
// refuse to sync a folder. They write names through at once, or else no program
// can make them durable, so the refusal is no error.
func SyncFolder(folder *os.File) error {
	err := folder.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}
