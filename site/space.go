package site

import (
	"fmt"

	"firn/report"
	"firn/spool"
	"firn/sqlite"
)

// NeedSpace reports when there is certainly less room in a folder than is
// about to be written: better said before than found after minutes.
func NeedSpace(dir string, need int64) error {
	if free, ok := spool.FreeSpace(dir); ok && free < need {
		return fmt.Errorf("write into %s: %w: %s free, %s needed", dir, sqlite.ErrNoSpace, report.Size(free), report.Size(need))
	}
	return nil
}
