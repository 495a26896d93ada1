package rowsync

import (
	"slices"

	"firn/sqlite/caseless"
)

// reference is a foreign key of the live database.
type reference struct {
	child, parent string   // tables
	columns       []string // of the child
	keys          []string // of the parent; empty for its primary key
	onDelete      string   // action
	table, target *table   // child and parent, once they are read; target is nil if the database has no such table
	from, to      []int    // the places of the columns among those that can be written
	collations    []string // by which the parent compares
	err           error    // why SQLite refuses it; nil if it does not
}

// readReferences reads the foreign keys of all tables.
func readReferences(db database) (all []*reference, err error) {
	const query = `SELECT t.name, f.id, f."table", f."from", f."to", f.on_delete FROM pragma_table_list AS t, pragma_foreign_key_list(t.name, 'main') AS f
		WHERE t.schema = 'main' AND t.type = 'table' ORDER BY t.name, f.id, f.seq`
	var last any
	err = db.query(query, nil, func(v []any) error {
		if n := len(all); n == 0 || all[n-1].child != text(v[0]) || last != v[1] {
			all = append(all, &reference{child: text(v[0]), parent: text(v[2]), onDelete: text(v[5])})
		}
		r := all[len(all)-1]
		last = v[1]
		r.columns = append(r.columns, text(v[3]))
		if v[4] != nil {
			r.keys = append(r.keys, text(v[4]))
		}
		return nil
	})
	return all, err
}

// link finds the columns of a reference in its tables.
func (r *reference) link(child, parent *table) error {
	r.table, r.target = child, parent
	var ok bool
	if r.from, ok = child.places(r.columns); !ok {
		return r.broken()
	}
	if parent == nil {
		return nil
	}
	for _, k := range append([]index{parent.key}, parent.unique...) {
		if r.to, ok = r.within(k); ok {
			return nil
		}
	}
	return r.broken()
}

// within returns the places of the parent's columns, in the order of the reference, if an index has exactly these columns.
func (r *reference) within(k index) (to []int, ok bool) {
	if len(k.columns) != len(r.columns) || len(k.columns) == 0 {
		return nil, false
	}
	r.collations = nil
	for n := range r.columns {
		i := slices.IndexFunc(k.columns, func(c int) bool { return r.isKey(r.target.columns[c], n) })
		if i < 0 {
			return nil, false
		}
		to = append(to, k.columns[i])
		r.collations = append(r.collations, k.collations[i])
	}
	return to, true
}

// isKey reports whether a column of the parent is the n-th of the reference.
func (r *reference) isKey(c column, n int) bool {
	if len(r.keys) == 0 {
		return c.key == n+1
	}
	return caseless.Same(c.name, r.keys[n])
}

// broken is the error of a foreign key that SQLite itself refuses.
func (r *reference) broken() error {
	return refuse("Correct the definition. Until then, restore the whole database into another file and copy the rows by hand.",
		"table %s: its foreign key to %s does not fit the tables, so SQLite changes no row of them", r.child, r.parent)
}

// index returns the child's columns as an index, by which rows that refer to a parent are found.
func (r *reference) index() index { return index{columns: r.from, collations: r.collations} }

// key returns the text for the values of a row in the columns of an index of the reference, and whether the row has them all.
func (r *reference) key(of *row, columns []int) (key string, values []any, whole bool) {
	values, whole = of.pick(columns)
	if !whole {
		return "", nil, false
	}
	return canonical(values, r.collations), values, true
}
