package sqlite

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"firn/sqlite/internal/capi"
)

// needSpace returns [ErrNoSpace] if a folder certainly has less free space than is about to be written.
func needSpace(dir string, need int64) error {
	free, ok := capi.FreeSpace(dir)
	if ok && free < need {
		return fmt.Errorf("%w in %s: %d bytes free, %d needed", ErrNoSpace, dir, free, need)
	}
	return nil
}

// syncDir makes a new name in a folder survive a crash. Windows has no such call, and does not need it.
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
