package diff

import (
	"slices"
	"strings"

	"firn/sqlite"
)

// columnPair is a column of the newer snapshot, and its place on either side: -1 before if the older snapshot lacks the column.
type columnPair struct {
	name    string
	index   [2]int
	renamed bool // the sides are matched by their place; see [Comparison.settleRenames]
}

// sameKey reports whether the rows of two tables are sorted by the same columns in the same way. The columns may have been
// renamed.
func sameKey(a, b sqlite.Layout) bool {
	return slices.EqualFunc(a.Columns[:a.Key], b.Columns[:b.Key], func(x, y sqlite.Column) bool {
		renamed := indexOf(b.Columns, x.Name) < 0 && indexOf(a.Columns, y.Name) < 0
		return (renamed || strings.EqualFold(x.Name, y.Name)) && strings.EqualFold(x.Order, y.Order)
	})
}

// indexOf returns the place of a column with a name, in upper or lower case, or -1.
func indexOf(columns []sqlite.Column, name string) int {
	return slices.IndexFunc(columns, func(c sqlite.Column) bool { return strings.EqualFold(c.Name, name) })
}

// pairColumns matches the columns of two tables by their names. A column without a namesake is matched with the column at the
// same place if that has no namesake either: the column may have been renamed.
func pairColumns(a, b []sqlite.Column) (pairs []columnPair) {
	for i, c := range b {
		p := columnPair{name: c.Name, index: [2]int{indexOf(a, c.Name), i}}
		if p.index[Before] < 0 && i < len(a) && indexOf(b, a[i].Name) < 0 {
			p.index[Before], p.renamed = i, true
		}
		pairs = append(pairs, p)
	}
	return pairs
}

// maxVoters is the number of rows by which renamed columns are told from new ones.
const maxVoters = 1000

// settleRenames decides for the whole table which columns were renamed. SQL does not tell a renamed column from one that was
// dropped and another that was added in its place. So a column was renamed if at least half of the first rows have kept their
// values in it. Values that are the default say nothing. The columns of a key are matched by their place.
func (d *Comparison) settleRenames(t *tablePair) error {
	votes := make(map[int]*ballot) // by column pair
	for i, p := range t.columns {
		if p.renamed && !t.isKey(After, p.index[After]) {
			votes[i] = &ballot{}
		}
	}
	if len(votes) == 0 {
		return nil
	}
	voters := 0
	for change, err := range d.pair.Rows(t.root(Before), t.root(After), t.key(), t.options(true)) {
		if err != nil {
			return err
		}
		if voters++; voters > maxVoters {
			break
		}
		if kindOf(change) != Changed {
			continue
		}
		s, err := newSides(change)
		if err != nil {
			return err
		}
		for i, v := range votes {
			t.vote(v, s, t.columns[i].index[After])
		}
	}
	for i, v := range votes {
		if v.written || v.kept == 0 || v.kept < v.lost {
			t.columns[i].index[Before] = -1
		}
	}
	return nil
}

// ballot counts the rows by which a renamed column is told from a new one.
type ballot struct {
	kept, lost int  // rows that have kept their value in the column, and rows that have not
	written    bool // a row was written without the column, as SQLite does when it drops a column
}

// vote counts a row for the column at a place.
func (t *tablePair) vote(v *ballot, s sides, i int) {
	if i < len(s.stored[Before]) && i >= len(s.stored[After]) {
		v.written = true
		return
	}
	before, after := t.shown(s, Before, i), t.shown(s, After, i)
	switch {
	case SameValue(before, t.layouts[Before].Columns[i].Default) && SameValue(after, t.layouts[After].Columns[i].Default):
	case SameValue(before, after):
		v.kept++
	default:
		v.lost++
	}
}
