package diff

import (
	"bytes"
	"strings"

	"firn/btree"
	"firn/sqlite"
)

// The kinds of changes of rows.
const (
	Added   = "added"
	Removed = "removed"
	Changed = "changed"
)

// Row is a row that differs between the snapshots. A row that was added or removed has the columns that its own snapshot shows. Of
// a row that has changed, columns are compared by their names: a column that only the newer snapshot has counts as its default in
// the older one, and a column that only the older snapshot has is not compared.
type Row struct {
	Kind    string // Added, Removed or Changed
	Table   string
	Key     []Field       // as the newer snapshot that has the row shows it
	Values  []Field       // of a row that was added or removed, without the key
	Changed []FieldChange // the columns that differ, of a row that has changed; a key may differ in a way that its collation ignores
}

// Field is the value of a column.
type Field struct {
	Name  string
	Value any // nil, int64, float64, string, []byte or btree.Malformed
}

// FieldChange is a column that differs, with its value on each side.
type FieldChange struct {
	Name          string
	Before, After any
}

// sides are the two rows of a change, with their stored values; a row is nil on a side without it.
type sides struct {
	rows   [2]*btree.Row
	stored [2][]any
}

func newSides(c btree.Change) (s sides, err error) {
	s.rows = [2]*btree.Row{c.Before, c.After}
	for side, r := range s.rows {
		if r == nil {
			continue
		}
		if s.stored[side], err = r.Values(); err != nil {
			return s, err
		}
	}
	return s, nil
}

// change decodes the values of a change.
func (t *tablePair) change(c btree.Change) (Row, error) {
	s, err := newSides(c)
	row := Row{Table: t.name, Kind: kindOf(c)}
	if err != nil {
		return row, err
	}
	side := After
	if c.After == nil {
		side = Before
	}
	for i, column := range t.layouts[side].Columns {
		field := Field{column.Name, t.shown(s, side, i)}
		switch {
		case t.isKey(side, i):
			row.Key = append(row.Key, field)
		case row.Kind != Changed:
			row.Values = append(row.Values, field)
		}
	}
	if row.Kind == Changed {
		row.Changed = t.changes(s)
	}
	if len(row.Key) == 0 {
		row.Key = []Field{{"rowid", s.rows[side].RowID}}
	}
	return row, nil
}

// changes compares the columns of a row that both sides have.
func (t *tablePair) changes(s sides) (changes []FieldChange) {
	for _, p := range t.columns {
		before, after := t.layouts[After].Columns[p.index[After]].Default, t.shown(s, After, p.index[After])
		if p.index[Before] >= 0 {
			before = t.shown(s, Before, p.index[Before])
		}
		if !SameValue(before, after) {
			changes = append(changes, FieldChange{p.name, before, after})
		}
	}
	return changes
}

// kindOf returns the kind of a change.
func kindOf(c btree.Change) string {
	switch {
	case c.Before == nil:
		return Added
	case c.After == nil:
		return Removed
	}
	return Changed
}

// shown returns the value of a column as SQLite shows it: the rowid, the default of a column that was added later, or a number
// of the column's type.
func (t *tablePair) shown(s sides, side, i int) any {
	column, stored := t.layouts[side].Columns[i], s.stored[side]
	switch {
	case i == t.layouts[side].RowID:
		return s.rows[side].RowID
	case i >= len(stored):
		return column.Default
	}
	if n, ok := stored[i].(int64); ok && column.Real {
		return float64(n)
	}
	return stored[i]
}

// isKey reports whether a column of a side belongs to the key.
func (t *tablePair) isKey(side, column int) bool {
	return column >= 0 && (column < t.layouts[side].Key || column == t.layouts[side].RowID)
}

// SameValue reports whether two values are stored alike: an integer is not the same as the real number of its size.
func SameValue(a, b any) bool {
	x, isBlob := a.([]byte)
	y, both := b.([]byte)
	if isBlob || both {
		return isBlob && both && bytes.Equal(x, y)
	}
	return a == b
}

// aligned reports whether rows of equal bytes show equal values on both sides.
func (t *tablePair) aligned() bool {
	if t.objects[Before] == nil || t.objects[After] == nil {
		return true // no row is on both sides
	}
	a, b := t.layouts[Before], t.layouts[After]
	if a.RowID != b.RowID {
		return false
	}
	for _, p := range t.columns {
		i, j := p.index[Before], p.index[After]
		if i < 0 && j >= len(a.Columns) {
			continue // no older row has a value at that place
		}
		if i != j || a.Columns[i].Real != b.Columns[j].Real || !SameValue(a.Columns[i].Default, b.Columns[j].Default) {
			return false
		}
	}
	return true
}

// collations returns the collations of the key.
func collations(l sqlite.Layout) (all []btree.Collation) {
	for _, column := range l.Columns[:l.Key] {
		c, _ := btree.ParseCollation(strings.TrimSuffix(column.Order, " DESC"))
		all = append(all, c)
	}
	return all
}
