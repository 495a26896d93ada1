package rowsync

import (
	"fmt"
	"slices"
	"strings"

	"firn/sqlite/caseless"
)

// table is a table of the live database, and what the image has of it.
type table struct {
	*definition
	then     *definition // the table of the image; nil if it has none
	columns  []column    // that can be written, in the order of the live table
	from     []int       // the place of each column in the image, -1 for none
	key      index       // by which rows are found; without columns they are found by rowid
	unique   []index     // the other unique indexes
	parents  []*reference
	children []*reference
	triggers []string
	err      error // why its rows cannot be found; nil if they can
}

// newTable pairs the definitions of a table.
func newTable(now, then *definition) *table {
	t := &table{definition: now, then: then}
	place := map[int]int{} // of a column of the definition among those that can be written
	for i, c := range now.columns {
		if c.generated {
			continue
		}
		place[i] = len(t.columns)
		t.columns = append(t.columns, c)
		from := -1
		if then != nil {
			from = then.column(c.name)
		}
		t.from = append(t.from, from)
	}
	for _, k := range now.keys {
		moved := index{name: k.name, collations: k.collations}
		for _, c := range k.columns {
			if p, ok := place[c]; ok {
				moved.columns = append(moved.columns, p)
			}
		}
		if len(moved.columns) == len(k.columns) { // no generated column
			t.unique = append(t.unique, moved)
		}
	}
	t.err = t.chooseKey()
	return t
}

// mostColumns is the greatest number of columns of a table whose rows can be read with their rowid: a result of SQLite has 2,000.
const mostColumns = 1999

// chooseKey takes the first unique index whose columns the image has, and else the rowid.
func (t *table) chooseKey() error {
	if n := len(t.columns); n > mostColumns {
		return refuse("Restore the whole database into another file, and copy the rows by hand.", "table %s has too many columns: %d", t.name, n)
	}
	for i, k := range t.unique {
		if t.then != nil && slices.ContainsFunc(k.columns, func(c int) bool { return t.from[c] < 0 }) {
			continue
		}
		for _, name := range k.collations {
			if !knownCollation(name) {
				return refuse("Only the application has that collation: let it write the rows.",
					"table %s: its key is sorted by the collation %s", t.name, name)
			}
		}
		t.key, t.unique = k, slices.Delete(slices.Clone(t.unique), i, i+1)
		return nil
	}
	switch {
	case t.rowid == "":
		return refuse("Restore the whole database into another file, and copy the rows by hand.",
			"table %s: the snapshot does not have the columns of its key", t.name)
	case t.then != nil && t.then.rowid == "":
		return refuse("Restore the whole database into another file, and copy the rows by hand.",
			"table %s: it has no key now, and had no rowid then", t.name)
	}
	return nil
}

// byRowid reports whether rows are found by rowid.
func (t *table) byRowid() bool { return len(t.key.columns) == 0 }

// onlyNow returns the columns that the image does not have.
func (t *table) onlyNow() (names []string) {
	for i, c := range t.columns {
		if t.from[i] < 0 {
			names = append(names, c.name)
		}
	}
	return names
}

// onlyThen returns the columns of the image that cannot be written now.
func (t *table) onlyThen() (names []string) {
	for _, c := range t.then.columns {
		if i := t.definition.column(c.name); i < 0 || t.definition.columns[i].generated {
			if !c.generated {
				names = append(names, c.name)
			}
		}
	}
	return names
}

// retyped returns the columns whose declared type is another one now.
func (t *table) retyped() (names []string) {
	for i, c := range t.columns {
		if t.from[i] >= 0 && (!strings.EqualFold(c.declared, t.then.columns[t.from[i]].declared) || t.strict != t.then.strict) {
			names = append(names, c.name)
		}
	}
	return names
}

// needsValue returns a column without which no row can be inserted, and that the image does not have; "" for none.
func (t *table) needsValue() string {
	for i, c := range t.columns {
		if t.from[i] < 0 && c.notNull && !c.hasDefault {
			return c.name
		}
	}
	return ""
}

// selectNow returns the query for whole rows of the live table, and selectThen that for rows of the image. The rowid comes
// first, or NULL if there is none.
func (t *table) selectNow() string {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.name
	}
	return "SELECT " + rowidOf(t.definition) + ", " + identifiers(names) + " FROM main." + identifier(t.name)
}

func (t *table) selectThen() string {
	expressions := []string{rowidOf(t.then)}
	for i := range t.columns {
		if t.from[i] >= 0 {
			expressions = append(expressions, identifier(t.then.columns[t.from[i]].name))
		}
	}
	return "SELECT " + strings.Join(expressions, ", ") + " FROM main." + identifier(t.then.name)
}

// rowidOf returns an expression for the rowid of a table.
func rowidOf(d *definition) string {
	if d.rowid == "" {
		return "NULL"
	}
	return d.rowid
}

// rowNow makes a row of a result of selectNow, and rowThen of one of selectThen.
func (t *table) rowNow(values []any) *row {
	return &row{rowid: values[0], values: slices.Clone(values[1:])}
}

func (t *table) rowThen(values []any) *row {
	r := &row{rowid: values[0], values: make([]any, len(t.columns))}
	next := 1
	for i := range t.columns {
		r.values[i] = absent{}
		if t.from[i] >= 0 {
			r.values[i] = values[next]
			next++
		}
	}
	return r
}

// equals returns a condition that a row has these values in the columns of an index.
func (t *table) equals(i index) string {
	parts := make([]string, len(i.columns))
	for n, c := range i.columns {
		parts[n] = fmt.Sprintf("%s COLLATE %s = ?", identifier(t.columns[c].name), identifier(i.collations[n]))
	}
	return strings.Join(parts, " AND ")
}

// places returns the places of columns that can be written, and whether all of them are there.
func (t *table) places(names []string) (places []int, ok bool) {
	for _, name := range names {
		i := slices.IndexFunc(t.columns, func(c column) bool { return caseless.Same(c.name, name) })
		if i < 0 {
			return nil, false
		}
		places = append(places, i)
	}
	return places, true
}
