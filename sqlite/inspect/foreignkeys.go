package inspect

import (
	"fmt"
	"slices"

	"firn/sqlite/caseless"
	"firn/sqlite/internal/capi"
)

// foreignKey is a key as its table declares it.
type foreignKey struct {
	child, parent string
	columns       []string // of the child
	keys          []string // of the parent; none for its primary key
}

// SingleKey is a foreign key of one column.
type SingleKey struct {
	Child, Column string
	Parent, Key   string // no key is the parent's primary key
}

// single returns the key as one of one column.
func (k *foreignKey) single() (s SingleKey, ok bool) {
	if len(k.columns) != 1 || len(k.keys) > 1 {
		return s, false
	}
	s = SingleKey{Child: k.child, Column: k.columns[0], Parent: k.parent}
	if len(k.keys) == 1 {
		s.Key = k.keys[0]
	}
	return s, true
}

// SingleKeys returns the foreign keys of one column.
func (i *Inspection) SingleKeys() (list []SingleKey, err error) {
	keys, err := i.foreignKeys()
	for _, k := range keys {
		if s, ok := k.single(); ok {
			list = append(list, s)
		}
	}
	return list, err
}

// ForeignKeys checks the foreign keys of all tables, as [Inspection.ForeignKeysOf] does.
func (i *Inspection) ForeignKeys() error {
	children, err := i.Doubtful(nil)
	if err != nil {
		return err
	}
	return i.ForeignKeysOf(children...)
}

// Doubtful returns the tables with a foreign key that is not known to be kept. It notes keys that refer to missing tables.
func (i *Inspection) Doubtful(kept map[SingleKey]bool) (children []string, err error) {
	keys, err := i.foreignKeys()
	for _, k := range keys {
		s, single := k.single()
		if single && kept[s] || len(children) > 0 && children[len(children)-1] == k.child {
			continue
		}
		children = append(children, k.child)
	}
	return children, err
}

// foreignKeys returns all foreign keys, by the names of their tables, and notes those that refer to missing tables. SQLite
// would report every row that has such a key, but a row that can be compared with nothing is not known to be wrong.
func (i *Inspection) foreignKeys() (list []foreignKey, err error) {
	id := int64(-1)
	err = i.conn.Rows(`SELECT s.name, f.id, f."table", f."from", f."to" FROM sqlite_schema AS s, pragma_foreign_key_list(s.name) AS f
		WHERE s.type = 'table' AND s.rootpage > 0 AND s.name NOT LIKE 'sqlite\_%' ESCAPE '\' AND s.sql LIKE '%references%'
		ORDER BY s.name, f.id, f.seq`, func(s *capi.Stmt) {
		if n := len(list); n == 0 || list[n-1].child != s.Text(0) || id != s.Number(1) {
			list, id = append(list, foreignKey{child: s.Text(0), parent: s.Text(2)}), s.Number(1)
		}
		k := &list[len(list)-1]
		k.columns = append(k.columns, s.Text(3))
		if !s.Null(4) {
			k.keys = append(k.keys, s.Text(4))
		}
	})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list, i.missingParents(list)
}

// missingParents notes keys that refer to missing tables.
func (i *Inspection) missingParents(list []foreignKey) error {
	there := map[string]bool{}
	err := i.conn.Rows("SELECT name FROM sqlite_schema WHERE type = 'table'", func(s *capi.Stmt) { there[caseless.Fold(s.Text(0))] = true })
	if err != nil {
		return err
	}
	noted := map[string]bool{}
	for _, k := range list {
		text := fmt.Sprintf("foreign keys of table %s: there is no table %s", k.child, k.parent)
		if !there[caseless.Fold(k.parent)] && !noted[text] {
			noted[text] = true
			i.Missed = append(i.Missed, text)
		}
	}
	return nil
}

// ForeignKeysOf runs SQLite's foreign_key_check on one table after the other: a definition that does not fit must not keep it from the
// other tables. It passes over keys that refer to missing tables.
func (i *Inspection) ForeignKeysOf(tables ...string) error {
	for _, table := range tables {
		if err := i.checkForeignKeys(table); err != nil {
			return err
		}
	}
	return nil
}

func (i *Inspection) checkForeignKeys(table string) error {
	// In a query of its own, because the pragma has no limit.
	query := fmt.Sprintf(`SELECT rowid, parent FROM pragma_foreign_key_check(%s) WHERE %s LIMIT %d`, capi.Quote(table), isTable("parent"), Most)
	return i.miss("foreign keys of table "+table+": ", i.conn.Rows(query, func(s *capi.Stmt) {
		i.orphan(table, rowName(s, 0), s.Text(1))
	}))
}

// orphan notes a row whose parent is missing.
func (i *Inspection) orphan(table, row, parent string) {
	text := fmt.Sprintf("row %s of table %s refers to a missing row of table %s", row, table, parent)
	if len(i.Found) < Most && !slices.Contains(i.Found, text) {
		i.Found = append(i.Found, text)
	}
}

// isTable returns SQL that tells whether there is a table of a name.
func isTable(name string) string {
	return "EXISTS (SELECT 1 FROM sqlite_schema AS s WHERE s.type = 'table' AND s.name = " + name + " COLLATE NOCASE)"
}

// rowName returns the rowid of a row for a message. Tables WITHOUT ROWID have no rowids.
func rowName(s *capi.Stmt, column int32) string {
	if s.Null(column) {
		return "(without rowid)"
	}
	return fmt.Sprint(s.Number(column))
}
