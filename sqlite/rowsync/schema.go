package rowsync

import (
	"fmt"
	"slices"
	"strings"

	"firn/sqlite/caseless"
	"firn/sqlite/internal/capi"
)

// schema is what the live database says about a table and those that foreign keys connect it with.
type schema struct {
	encoding    string // of texts: "UTF-8", or one of UTF-16
	definitions map[string]*definition
	references  []*reference
	triggers    map[string][]string // by table
}

// readSchema reads the schema around a table.
func readSchema(db *connection, name string) (*schema, error) {
	if err := refuseUnparsed(db); err != nil {
		return nil, err
	}
	s := &schema{definitions: map[string]*definition{}, triggers: map[string][]string{}}
	all, err := readReferences(db)
	if err != nil {
		return nil, err
	}
	for next := []string{name}; len(next) > 0; next = next[1:] {
		if _, known := s.definitions[caseless.Fold(next[0])]; known {
			continue
		}
		d, err := define(db, next[0])
		if err != nil {
			return nil, err
		}
		if err := d.readCollations(db); err != nil {
			return nil, err
		}
		s.definitions[caseless.Fold(next[0])] = d
		for _, r := range all {
			if caseless.Same(r.child, next[0]) || caseless.Same(r.parent, next[0]) {
				next = append(next, r.child, r.parent)
			}
		}
	}
	s.references = slices.DeleteFunc(all, func(r *reference) bool { return s.definitions[caseless.Fold(r.child)] == nil })
	if err := s.readTriggers(db); err != nil {
		return nil, err
	}
	return s, db.query("PRAGMA encoding", nil, func(v []any) error { s.encoding = text(v[0]); return nil })
}

// readCollations reads the collations of the columns.
func (d *definition) readCollations(db *connection) (err error) {
	if d == nil {
		return nil
	}
	for i, c := range d.columns {
		if d.columns[i].collation, err = db.Collation(d.name, c.name); err != nil {
			return err
		}
	}
	return nil
}

// refuseUnparsed refuses a database with a definition that this SQLite cannot parse: the connection passes over it, and an index
// that SQLite does not know would lack the rows that are written.
func refuseUnparsed(db *connection) error {
	passed, err := db.Number("PRAGMA writable_schema")
	if err == nil && passed != 0 {
		err = fmt.Errorf("no row may be written: %w", capi.ErrUnparsed)
	}
	return err
}

// readTriggers reads the names of the triggers.
func (s *schema) readTriggers(db database) error {
	return db.query("SELECT tbl_name, name FROM main.sqlite_master WHERE type = 'trigger' ORDER BY name", nil, func(v []any) error {
		table := caseless.Fold(text(v[0]))
		s.triggers[table] = append(s.triggers[table], text(v[1]))
		return nil
	})
}

// check refuses a table whose rows cannot be written.
func (d *definition) check(name, where string) error {
	switch {
	case d == nil:
		return refuse("", "%s has no table %q", where, name)
	case d.kind == "view":
		return refuse("Name the table that the view reads.", "%s is a view", d.name)
	case d.kind == "virtual":
		return refuse(fmt.Sprintf("If it is an index of another table, restore the rows of that, and build the index anew (FTS5: INSERT INTO %[1]s(%[1]s) VALUES ('rebuild')). "+
			"Else restore the whole database into another file, and copy the rows from there.", identifier(d.name)), "%s is a virtual table", d.name)
	case d.kind == "shadow":
		return refuse("If the virtual table is an index of another table, restore the rows of that, and build the index anew.",
			"%s is a shadow table: it holds the content of a virtual table", d.name)
	case strings.HasPrefix(caseless.Fold(d.name), "sqlite_"):
		return refuse("", "%s is a table of SQLite's own", d.name)
	}
	return nil
}

// pair makes the tables of the schema, with what the image has of them.
func (s *schema) pair(db database) (map[string]*table, error) {
	tables := map[string]*table{}
	for name, now := range s.definitions {
		if now == nil || now.check(name, "") != nil {
			continue
		}
		then, err := define(db, name)
		if err != nil {
			return nil, err
		}
		if then != nil && then.check(name, "") != nil {
			then = nil
		}
		tables[name] = newTable(now, then)
		tables[name].triggers = s.triggers[name]
	}
	for _, r := range s.references {
		child, parent := tables[caseless.Fold(r.child)], tables[caseless.Fold(r.parent)]
		if child == nil {
			continue
		}
		r.err = r.link(child, parent)
		child.parents = append(child.parents, r)
		if parent != nil {
			parent.children = append(parent.children, r)
		}
	}
	return tables, nil
}
