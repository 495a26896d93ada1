package sqlite

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"firn/sqlite/internal/capi"
)

// needSpace reports when there is certainly less free space in a folder than is about to be written.
func needSpace(dir string, need int64) error {
	free, ok := capi.FreeSpace(dir)
	if ok && free < need {
		return fmt.Errorf("%w in %s: %d bytes free, %d needed", ErrNoSpace, dir, free, need)
	}
	return nil
}

// syncDir makes a new name in a folder survive a crash. Windows cannot, and does not need to be asked.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
