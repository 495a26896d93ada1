package diff

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"

	"firn/btree"
	"firn/sqlite"
)

// tablePair is a table of two snapshots; an object is nil where it is not.
type tablePair struct {
	name     string
	shadowOf string // the virtual table that keeps its content there
	objects  [2]*btree.Object
	layouts  [2]sqlite.Layout
	columns  []columnPair
}

// columnPair says where a column is on either side, -1 where it is not. One that is
// no more is left out if there is a side after.
type columnPair struct {
	name  string
	index [2]int
}

// pairTables returns the tables of two schemas, by name.
func pairTables(schemas [2][]btree.Object) []tablePair {
	known := make(map[string]*tablePair)
	shadows := make(map[string]string) // the virtual table of each
	for side := range schemas {
		for i, o := range schemas[side] {
			if o.Type == "table" && o.Root == 0 {
				for _, suffix := range shadowSuffixes(o.SQL) {
					shadows[strings.ToLower(o.Name+"_"+suffix)] = o.Name
				}
			}
			if o.Type != "table" || o.Root == 0 {
				continue
			}
			key := strings.ToLower(o.Name)
			if known[key] == nil {
				known[key] = &tablePair{}
			}
			known[key].name, known[key].objects[side] = o.Name, &schemas[side][i]
		}
	}
	var tables []tablePair
	for key, t := range known {
		t.shadowOf = shadows[key]
		tables = append(tables, *t)
	}
	slices.SortFunc(tables, func(a, b tablePair) int { return strings.Compare(a.name, b.name) })
	return tables
}

// virtualModule finds the module in the definition of a virtual table.
var virtualModule = regexp.MustCompile("(?is)^CREATE VIRTUAL TABLE (?:\"(?:[^\"]|\"\")*\"|'(?:[^']|'')*'|`(?:[^`]|``)*`|\\[[^]]*\\]|[^\\s\"'`\\[]+)\\s*USING\\s+[\"'`\\[]?(\\w+)")

// shadowSuffixes returns the names that a module which comes with SQLite gives to the
// tables where it keeps the content of a virtual one.
func shadowSuffixes(definition string) []string {
	m := virtualModule.FindStringSubmatch(definition)
	if m == nil {
		return nil
	}
	switch strings.ToLower(m[1]) {
	case "fts5":
		return []string{"data", "idx", "content", "docsize", "config"}
	case "fts3", "fts4":
		return []string{"content", "segments", "segdir", "docsize", "stat"}
	case "rtree", "rtree_i32", "geopoly":
		return []string{"node", "rowid", "parent"}
	}
	return nil
}

// compareTable counts the rows that differ, and hands them to show if that is not nil.
func (d *Comparison) compareTable(ctx context.Context, t tablePair, show func(Row) error) (Table, error) {
	counts := Table{Table: t.name, ShadowOf: t.shadowOf}
	if same, err := d.pair.Same(t.root(Before), t.root(After)); same || err != nil {
		return counts, err
	}
	if err := d.leaveOutEmpty(&t); err != nil {
		return counts, err
	}
	key, note, err := t.define(ctx)
	if err != nil || note != "" {
		counts.Note = note
		return counts, err
	}
	for change, err := range d.pair.Rows(t.root(Before), t.root(After), key) {
		if err != nil {
			return counts, err
		}
		kind := kindOf(change)
		if kind == Changed || show != nil {
			row, err := t.change(change)
			if err != nil {
				return counts, err
			}
			if kind == Changed && len(row.Changed) == 0 {
				continue // it was written again, as it was
			}
			if show != nil {
				if err := show(row); err != nil {
					return counts, err
				}
			}
		}
		counts.count(kind)
	}
	return counts, nil
}

// leaveOutEmpty takes a table without rows for none: how it would sort them does not
// matter.
func (d *Comparison) leaveOutEmpty(t *tablePair) error {
	for side, file := range d.files {
		if t.objects[side] == nil {
			continue
		}
		if empty, err := file.Empty(t.root(side)); err != nil {
			return err
		} else if empty {
			t.objects[side] = nil
		}
	}
	return nil
}

func (t *tablePair) root(side int) uint32 {
	if t.objects[side] == nil {
		return 0
	}
	return t.objects[side].Root
}

// define reads the table's definitions. It returns how many columns are the key, 0
// for a rowid, or why its rows cannot be compared.
func (t *tablePair) define(ctx context.Context) (key int, note string, err error) {
	for side, o := range t.objects {
		switch other := t.objects[Before]; {
		case o == nil:
			continue
		case side == After && other != nil && other.SQL == o.SQL && other.Name == o.Name:
			t.layouts[After] = t.layouts[Before]
		default:
			if t.layouts[side], err = sqlite.TableLayout(ctx, o.Name, o.SQL); errors.Is(err, sqlite.ErrCorrupt) {
				return 0, "its definition cannot be read, so its rows were not compared", nil
			} else if err != nil {
				return 0, "", err
			}
		}
	}
	a, b := t.layouts[Before], t.layouts[After]
	if t.objects[Before] != nil && t.objects[After] != nil && !sameKey(a, b) {
		return 0, "its primary key is another, so its rows were not compared", nil
	}
	t.columns = pairColumns(a.Columns, b.Columns)
	return max(a.Key, b.Key), "", nil
}

// sameKey reports whether rows are sorted by the same columns in the same way. They may
// have been renamed.
func sameKey(a, b sqlite.Layout) bool {
	return slices.EqualFunc(a.Columns[:a.Key], b.Columns[:b.Key], func(x, y sqlite.Column) bool {
		renamed := indexOf(b.Columns, x.Name) < 0 && indexOf(a.Columns, y.Name) < 0
		return (renamed || strings.EqualFold(x.Name, y.Name)) && strings.EqualFold(x.Order, y.Order)
	})
}

func indexOf(columns []sqlite.Column, name string) int {
	return slices.IndexFunc(columns, func(c sqlite.Column) bool { return strings.EqualFold(c.Name, name) })
}

// pairColumns finds each column among the others by its name. One without a namesake
// is taken for the one at its place, if that has none either: it was renamed.
func pairColumns(a, b []sqlite.Column) (pairs []columnPair) {
	if len(b) == 0 {
		for i, c := range a {
			pairs = append(pairs, columnPair{c.Name, [2]int{i, -1}})
		}
		return pairs
	}
	for i, c := range b {
		old := indexOf(a, c.Name)
		if old < 0 && i < len(a) && indexOf(b, a[i].Name) < 0 {
			old = i
		}
		pairs = append(pairs, columnPair{c.Name, [2]int{old, i}})
	}
	return pairs
}

// The kinds of changes of rows.
const (
	Added   = "added"
	Removed = "removed"
	Changed = "changed"
)

// Row is a row that differs.
type Row struct {
	Kind    string
	Table   string
	Key     []Field
	Values  []Field       // of a row that was added or removed, but for the key
	Changed []FieldChange // of one that has changed
}

// Field is a value and the name of its column.
type Field struct {
	Name  string
	Value any // nil, int64, float64, string or []byte
}

// FieldChange is a column of a row that has changed, with its value on each side.
type FieldChange struct {
	Name          string
	Before, After any
}

// change reads the row of a change.
func (t *tablePair) change(c btree.Change) (Row, error) {
	row := Row{Table: t.name, Kind: kindOf(c)}
	rows := [2]*btree.Row{c.Before, c.After}
	var values [2][]any // nil where there is no row
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

func kindOf(c btree.Change) string {
	switch {
	case c.Before == nil:
		return Added
	case c.After == nil:
		return Removed
	}
	return Changed
}

// values returns a row's values in the order of t.columns, as SQLite shows them. One
// that the table has not got yet is what it will be by default.
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

// shown returns what SQLite shows of a column.
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
