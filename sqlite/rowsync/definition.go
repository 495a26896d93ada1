package rowsync

import (
	"slices"
	"strings"

	"firn/sqlite/caseless"
)

// definition is a table as one database defines it.
type definition struct {
	name    string
	kind    string // "table", or "view", "virtual", "shadow"
	strict  bool
	rowid   string // a name by which SQL reaches the rowid; "" if there is none
	alias   bool   // whether a column is the rowid
	columns []column
	keys    []index // the unique indexes over whole columns, the primary key first
}

// column is a column of a table.
type column struct {
	name       string
	declared   string // type
	collation  string // of a table of the live database
	notNull    bool
	hasDefault bool
	generated  bool
	key        int // place in the primary key, from 1 on; 0 for none
}

// index is a unique index over columns of a table.
type index struct {
	name       string // "" for the rowid
	columns    []int
	collations []string
}

// define reads the definition of a table, nil if there is none.
func define(db database, name string) (*definition, error) {
	var d *definition
	withRowid := false
	const tables = `SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main' AND name = ?1 COLLATE NOCASE`
	err := db.query(tables, []any{name}, func(v []any) error {
		d = &definition{name: text(v[0]), kind: text(v[1]), strict: v[3] == int64(1)}
		withRowid = v[2] == int64(0)
		return nil
	})
	if err != nil || d == nil || d.kind == "view" || d.kind == "virtual" {
		return d, err
	}
	if err := d.readColumns(db); err != nil {
		return nil, err
	}
	if err := d.readKeys(db, withRowid); err != nil {
		return nil, err
	}
	if withRowid {
		d.rowid = d.freeRowid()
	}
	return d, nil
}

// readColumns reads the columns. Generated ones have hidden 2 or 3.
func (d *definition) readColumns(db database) error {
	const columns = `SELECT name, type, "notnull", dflt_value IS NOT NULL, hidden > 1, pk FROM pragma_table_xinfo(?1, 'main') ORDER BY cid`
	return db.query(columns, []any{d.name}, func(v []any) error {
		d.columns = append(d.columns, column{
			name: text(v[0]), declared: text(v[1]), notNull: v[2] == int64(1), hasDefault: v[3] == int64(1), generated: v[4] == int64(1), key: int(v[5].(int64)),
		})
		return nil
	})
}

// readKeys reads the unique indexes. Partial ones, and those over expressions, are left to SQLite, which refuses a row that is
// against them.
func (d *definition) readKeys(db database, withRowid bool) error {
	const indexes = `SELECT name FROM pragma_index_list(?1, 'main') WHERE "unique" AND NOT partial ORDER BY origin <> 'pk', seq DESC`
	var names []string
	hasPrimary := false
	err := db.query(indexes, []any{d.name}, func(v []any) error { names = append(names, text(v[0])); return nil })
	if err != nil {
		return err
	}
	for _, name := range names {
		i := index{name: name}
		const columns = `SELECT cid, coll FROM pragma_index_xinfo(?1, 'main') WHERE "key" ORDER BY seqno`
		err := db.query(columns, []any{name}, func(v []any) error {
			i.columns = append(i.columns, int(v[0].(int64)))
			i.collations = append(i.collations, text(v[1]))
			return nil
		})
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(i.columns, func(c int) bool { return c < 0 }) {
			d.keys = append(d.keys, i)
			hasPrimary = hasPrimary || d.isPrimary(i)
		}
	}
	if alias := d.rowidColumn(); withRowid && !hasPrimary && alias >= 0 {
		d.alias = true
		d.keys = slices.Insert(d.keys, 0, index{"primary key", []int{alias}, []string{"BINARY"}})
	}
	return nil
}

// isPrimary reports whether an index has the columns of the primary key.
func (d *definition) isPrimary(i index) bool {
	for _, c := range i.columns {
		if d.columns[c].key == 0 {
			return false
		}
	}
	return true
}

// rowidColumn returns the column that can be the rowid, -1 for none: the only column of the primary key, declared as INTEGER.
func (d *definition) rowidColumn() int {
	found := -1
	for i, c := range d.columns {
		switch {
		case c.key > 1:
			return -1
		case c.key == 1 && strings.EqualFold(c.declared, "INTEGER"):
			found = i
		}
	}
	return found
}

// freeRowid returns a name of the rowid that no column has, "" for none.
func (d *definition) freeRowid() string {
	for _, name := range []string{"rowid", "_rowid_", "oid"} {
		if d.column(name) < 0 {
			return name
		}
	}
	return ""
}

// column returns the place of the column with a name, -1 for none.
func (d *definition) column(name string) int {
	return slices.IndexFunc(d.columns, func(c column) bool { return caseless.Same(c.name, name) })
}

// text returns a value of the schema as text.
func text(v any) string { s, _ := v.(string); return s }
