package site

import (
	"fmt"

	"firn/report"
	"firn/spool"
	"firn/sqlite"
)

// NeedSpace returns an error if a folder certainly has too little room for a file of the given size. The check before the
// writing saves a person the minutes until the disk is full.
func NeedSpace(dir string, need int64) error {
	if free, ok := spool.FreeSpace(dir); ok && free < need {
		return fmt.Errorf("write into %s: %w: %s free, %s needed", dir, sqlite.ErrNoSpace, report.Size(free), report.Size(need))
	}
	return nil
}
