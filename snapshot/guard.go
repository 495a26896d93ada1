package snapshot

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
)

const (
	// A database of fewer rows, or bytes, may shrink as it likes: a share of little says nothing.
	guardedRows  = 100
	guardedBytes = 64 << 10
	// namedTables is how many of the tables that are gone are named, and namedBytes how much of a name is.
	namedTables = 5
	namedBytes  = 64
)

// Guard tells when an image is unlikely to be meant: backups would go on, and
// replace the good ones bit by bit.
type Guard struct {
	// MaxShrink is the share of the rows that may be gone, from 0 to 1; where they
	// are not known, of the bytes.
	MaxShrink float64
}

// Compare returns what is suspicious about an image that takes the place of an
// older, good one, each in a few words; nil if nothing is. It does not look at
// bytes where rows are known: VACUUM takes away any share of them.
func (g Guard) Compare(old, image *Image) []string {
	var found []string
	if old.ApplicationID != image.ApplicationID {
		found = append(found, fmt.Sprintf("its application_id is %d, it was %d", image.ApplicationID, old.ApplicationID))
	}
	found = append(found, missingTables(old, image)...)
	return append(found, g.shrunk(old, image)...)
}

func missingTables(old, image *Image) []string {
	if old.Tables == nil || image.Tables == nil {
		return nil
	}
	if len(image.Tables) == 0 && len(old.Tables) > 0 {
		return []string{fmt.Sprintf("it has no tables, it had %d", len(old.Tables))}
	}
	var names []string
	for _, t := range old.Tables {
		if !slices.ContainsFunc(image.Tables, func(now TableRows) bool { return now.Name == t.Name }) {
			names = append(names, fmt.Sprintf("%.*q", namedBytes, t.Name))
		}
	}
	switch n := len(names) - namedTables; {
	case len(names) == 0:
		return nil
	case len(names) == 1:
		return []string{"table " + names[0] + " is gone"}
	case n > 0:
		return []string{fmt.Sprintf("tables %s and %d more are gone", strings.Join(names[:namedTables], ", "), n)}
	}
	return []string{"tables " + strings.Join(names, ", ") + " are gone"}
}

func (g Guard) shrunk(old, image *Image) []string {
	switch {
	case image.Tables != nil && len(image.Tables) == 0: // that is told already
	case old.RowCount != nil && image.RowCount != nil:
		before, now := *old.RowCount, *image.RowCount
		if before > 0 && now == 0 || before >= guardedRows && g.tooFew(before, now) {
			return []string{fmt.Sprintf("it has %s rows, it had %s", humanize.Comma(now), humanize.Comma(before))}
		}
	case old.Size >= guardedBytes && g.tooFew(old.Size, image.Size) && old.Export == image.Export:
		return []string{fmt.Sprintf("it has %s, it had %s", humanize.IBytes(uint64(image.Size)), humanize.IBytes(uint64(old.Size)))}
	}
	return nil
}

func (g Guard) tooFew(before, now int64) bool {
	return float64(now) < float64(before)*(1-g.MaxShrink)
}
