package cmd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"firn/outcome"
	"firn/report"
	"firn/schedule"
	"firn/site"
)

// writeUnits writes units into a folder, or to standard output if dir is "". It does not replace a file with another content:
// then it returns an error before it writes the first file.
func (c *cli) writeUnits(units []schedule.Unit, dir string) error {
	if dir == "" {
		for i, u := range units {
			if _, err := fmt.Fprint(c.data(), strings.Repeat("\n", min(i, 1)), u.Text); err != nil {
				return err
			}
		}
		return nil
	}
	if info, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return outcome.Failed("Make it first: mkdir -p "+report.QuoteWord(dir), "schedule: folder %s does not exist", dir)
	} else if err == nil && !info.IsDir() {
		return outcome.Failed("Name the folder that the units belong into.", "schedule: %s is no folder", dir)
	}
	for _, u := range units {
		path := filepath.Join(dir, u.Name)
		old, err := os.ReadFile(path)
		if err == nil && string(old) != u.Text {
			return outcome.Failed("Move it away first.", "schedule: %s is there and says something else: nothing of it was changed", path)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("schedule: %w", err)
		}
	}
	for _, u := range units {
		// A file is written as a whole or not at all, since the next run would refuse half a file.
		if err := site.ReplaceFile(filepath.Join(dir, u.Name), u.Text); err != nil {
			return fmt.Errorf("schedule: %w", err)
		}
		c.note("Wrote %s", filepath.Join(dir, u.Name))
	}
	return nil
}
