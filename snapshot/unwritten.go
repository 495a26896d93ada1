package snapshot

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// UnwrittenChange is a change of some pages of a database without a write by the database's engine: by a disk, a copier, or a
// fault of a program.
type UnwrittenChange struct {
	Pages    int       // how many
	AtLeast  bool      // there may be more
	Named    []string  // some of them, each in a few words
	From, To time.Time // in between it has happened
	Kept     ID        // the snapshot that has the pages as they were
}

const (
	// unwrittenChange begins the text of each such change, and of no other reason for suspicion: records have only texts.
	unwrittenChange = "a change that SQLite has not written: "
	// unwrittenKept bounds how many of them a snapshot takes over from the one before. A failing disk makes one each day.
	unwrittenKept = 8
)

// String describes the change, as a reason for suspicion.
func (c UnwrittenChange) String() string {
	const seconds = "2006-01-02 15:04:05"
	pages := strings.Join(c.Named, ", ")
	if more := c.Pages - len(c.Named); more > 0 {
		atLeast := ""
		if c.AtLeast {
			atLeast = "at least "
		}
		pages += fmt.Sprintf(" and %s%s more", atLeast, humanize.Comma(int64(more)))
	}
	return fmt.Sprintf("%s%s, between %s and %s UTC; snapshot %s has what was there before",
		unwrittenChange, pages, c.From.UTC().Format(seconds), c.To.UTC().Format(seconds), c.Kept.Short())
}

// UnwrittenChanges returns the first ones of some reasons for suspicion that are such changes.
func UnwrittenChanges(reasons []string) []string {
	changes := slices.DeleteFunc(slices.Clone(reasons), func(reason string) bool { return !strings.HasPrefix(reason, unwrittenChange) })
	return changes[:min(len(changes), unwrittenKept)]
}
