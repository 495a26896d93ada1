package diff

import (
	"bytes"

	"firn/btree"
	"firn/sqlite"
)

// The kinds of changes of rows.
const (
	Added   = "added"
	Removed = "removed"
	Changed = "changed"
)

// Row is a row that differs between the snapshots.
type Row struct {
	Kind    string // Added, Removed or Changed
	Table   string
	Key     []Field
	Values  []Field       // of a row that was added or removed, without the key
	Changed []FieldChange // the columns that differ, of a row that has changed
}

// Field is the value of a column.
type Field struct {
	Name  string
	Value any // nil, int64, float64, string or []byte
}

// FieldChange is a column that differs, with its value on each side.
type FieldChange struct {
	Name          string
	Before, After any
}

// change decodes the values of a change.
func (t *tablePair) change(c btree.Change) (Row, error) {
	row := Row{Table: t.name, Kind: kindOf(c)}
	rows := [2]*btree.Row{c.Before, c.After}
	var values [2][]any // nil on a side without the row
	for side, r := range rows {
		if r == nil {
			continue
		}
		var err error
		if values[side], err = t.values(side, r); err != nil {
			return row, err
		}
	}
	side := After
	if c.After == nil {
		side = Before
	}
	for i, p := range t.columns {
		switch {
		case t.isKey(side, p.index[side]):
			row.Key = append(row.Key, Field{p.name, values[side][i]})
		case row.Kind != Changed:
			row.Values = append(row.Values, Field{p.name, values[side][i]})
		case !sameValue(values[Before][i], values[After][i]):
			row.Changed = append(row.Changed, FieldChange{p.name, values[Before][i], values[After][i]})
		}
	}
	if len(row.Key) == 0 {
		row.Key = []Field{{"rowid", rows[side].RowID}}
	}
	return row, nil
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

// values returns a row's values as SQLite shows them, in the order of t.columns. A column that the older table does not have has
// the default value of the newer table.
func (t *tablePair) values(side int, r *btree.Row) ([]any, error) {
	stored, err := r.Values()
	if err != nil {
		return nil, err
	}
	values := make([]any, len(t.columns))
	for i, p := range t.columns {
		if p.index[side] < 0 {
			values[i] = t.layouts[After].Columns[p.index[After]].Default
			continue
		}
		values[i] = shown(stored, r.RowID, t.layouts[side], p.index[side])
	}
	return values, nil
}

// shown returns the value of a column as SQLite shows it: the rowid, the default of a column that was added later, or a number
// of the column's type.
func shown(stored []any, rowID int64, l sqlite.Layout, i int) any {
	column := l.Columns[i]
	switch {
	case i == l.RowID:
		return rowID
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

// sameValue compares two values as they are stored.
func sameValue(a, b any) bool {
	x, isBlob := a.([]byte)
	y, both := b.([]byte)
	if isBlob || both {
		return isBlob && both && bytes.Equal(x, y)
	}
	return a == b
}
