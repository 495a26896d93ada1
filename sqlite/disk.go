package sqlite

import (
	"errors"
	"os"
	"runtime"
)

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
