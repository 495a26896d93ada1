package snapshot

import (
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"
)

const (
	// A database of fewer rows or bytes may shrink by any share: a share of so few means nothing.
	guardedRows  = 100
	guardedBytes = 64 << 10
	// namedTables is how many missing tables a message names, and namedBytes how much of each name
	// it shows.
	namedTables = 5
	namedBytes  = 64
)

// Guard detects an image that is probably a mistake, such as an emptied database. Without it,
// backups would go on and retention would replace the good snapshots one by one.
type Guard struct {
	// MaxShrink is the largest share of the rows, from 0 to 1, that may be missing. It is the share
	// of the bytes where the rows are not known.
	MaxShrink float64
}

// Compare returns the suspicious differences between an image and the older, good image that it
// replaces, each in a few words. The result is nil if there are none. Compare ignores the number of
// bytes where rows are known, because VACUUM can free any share of the bytes.
func (g Guard) Compare(old, image *Image) []string {
	switch was, is := old.Export == ExportStream, image.Export == ExportStream; {
	case is && !was:
		return []string{"it is no database, it was one"} // the program that wrote it may have printed an error
	case was && !is:
		return []string{"it is a database, it was something else"}
	}
	var found []string
	if old.ApplicationID != image.ApplicationID {
		found = append(found, fmt.Sprintf("its application_id is %d, it was %d", image.ApplicationID, old.ApplicationID))
	}
	found = append(found, missingTables(old, image)...)
	return append(found, g.shrunk(old, image)...)
}

// Uncompared describes in a few words the properties of an image that [Guard.Compare] cannot judge.
// It returns "" if Compare judges all of them.
func (g Guard) Uncompared(image *Image) string {
	_, known := image.marks()
	switch {
	case image.Export == ExportStream || known:
		return ""
	case image.RowCount == nil:
		return "its tables could not be counted, so that only its size was compared"
	}
	return fmt.Sprintf("it has more than %s tables, so that a lost one is not noticed", humanize.Comma(maxMarks))
}

func missingTables(old, image *Image) []string {
	before, known := old.marks()
	now, knownNow := image.marks()
	switch {
	case !known || !knownNow:
		return nil
	case now.len() == 0 && before.len() > 0:
		return []string{fmt.Sprintf("it has no tables, it had %d", before.len())}
	case old.Tables == nil:
		return missingMarks(before, now)
	}
	var names []string
	for _, t := range old.Tables {
		if !now.has(mark(t.Name)) {
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

// missingMarks counts missing tables by their marks, where no list of names is kept.
func missingMarks(before, now tableMarks) []string {
	gone := 0
	for n := range before.len() {
		if !now.has(before.at(n)) {
			gone++
		}
	}
	verb := "are"
	switch gone {
	case 0:
		return nil
	case 1:
		verb = "is"
	}
	return []string{fmt.Sprintf("%s of its %s tables %s gone", humanize.Comma(int64(gone)), humanize.Comma(int64(before.len())), verb)}
}

func (g Guard) shrunk(old, image *Image) []string {
	switch {
	case image.Tables != nil && len(image.Tables) == 0 && len(old.Tables)+len(old.TableMarks) > 0: // missingTables has reported it
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
