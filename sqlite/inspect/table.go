package inspect

import (
	"fmt"
	"slices"
	"strings"

	"firn/sqlite/caseless"
	"firn/sqlite/internal/capi"
)

// Table is a table with rows of its own, and what tells its rows apart.
type Table struct {
	Name string
	Root uint32 // page of its tree
	// Key is the columns of the primary key of a table WITHOUT ROWID, in the order in which they are stored, or the name
	// by which SQL calls the rowid. It is empty if no SQL can.
	Key []string
	// Collations are those by which a table WITHOUT ROWID is sorted, one for each column of the key, and nil for other
	// tables.
	Collations []string

	types map[string]string // of the columns, as declared
}

// Describe returns a table of a name in upper or lower case, nil if there is none that SQLite knows.
func (i *Inspection) Describe(name string) (*Table, error) {
	if t, known := i.described[caseless.Fold(name)]; known {
		return t, nil
	}
	t, err := i.describe(name)
	if err == nil {
		i.described[caseless.Fold(name)] = t
	}
	return t, err
}

func (i *Inspection) describe(name string) (*Table, error) {
	var t *Table
	err := i.conn.Rows(`SELECT s.name, s.rootpage, l.wr FROM sqlite_schema AS s, pragma_table_list(s.name) AS l
		WHERE s.type = 'table' AND l.schema = 'main' AND l.type IN ('table', 'shadow') AND s.rootpage > 0
			AND s.name = `+capi.Quote(name)+" COLLATE NOCASE", func(s *capi.Stmt) {
		t = &Table{Name: s.Text(0), Root: uint32(s.Number(1)), types: map[string]string{}}
		if s.Number(2) == 1 {
			t.Collations = []string{}
		}
	})
	if err != nil || t == nil {
		return nil, err
	}
	err = i.conn.Rows("SELECT name, type FROM pragma_table_xinfo("+capi.Quote(t.Name)+")", func(s *capi.Stmt) {
		t.types[caseless.Fold(s.Text(0))] = s.Text(1)
	})
	if err != nil {
		return nil, err
	}
	if t.Collations == nil {
		t.Key = t.rowid()
		return t, nil
	}
	// A table WITHOUT ROWID answers index_xinfo in the order of its records.
	err = i.conn.Rows("SELECT name, coll FROM pragma_index_xinfo("+capi.Quote(t.Name)+") WHERE key ORDER BY seqno", func(s *capi.Stmt) {
		t.Key = append(t.Key, s.Text(0))
		t.Collations = append(t.Collations, s.Text(1))
	})
	return t, err
}

// rowid returns the name that stands for the rowid: a column may have taken it.
func (t *Table) rowid() []string {
	for _, name := range []string{"rowid", "_rowid_", "oid"} {
		if _, taken := t.types[name]; !taken {
			return []string{name}
		}
	}
	return nil
}

// is returns SQL that compares the key of a row with parameters.
func (t *Table) is(row string) string {
	var terms []string
	for n, column := range t.Key {
		term := fmt.Sprintf("%s = ?%d", member(row, column), n+1)
		if t.Collations != nil {
			term += " COLLATE " + capi.Identifier(t.Collations[n])
		}
		terms = append(terms, term)
	}
	return strings.Join(terms, " AND ")
}

// names returns SQL for the rowid of a row, NULL in tables WITHOUT ROWID.
func (t *Table) names(row string) string {
	if t.Collations != nil || len(t.Key) == 0 {
		return "NULL"
	}
	return member(row, t.Key[0])
}

// member returns SQL for a column of a row.
func member(row, column string) string { return row + "." + capi.Identifier(column) }

// from returns SQL for a table that gets another name.
func from(t *Table, row string) string { return "main." + capi.Identifier(t.Name) + " AS " + row }

// alike reports whether two columns store values in the same way, so that a comparison converts none.
func alike(a, b string) bool {
	class := func(declared string) string {
		switch affinity := Affinity(declared); {
		case strings.EqualFold(declared, "ANY"): // in a STRICT table no value is converted
			return "ANY"
		case slices.Contains([]string{"INTEGER", "REAL", "NUMERIC"}, affinity):
			return "NUMERIC"
		default:
			return affinity
		}
	}
	return class(a) == class(b)
}

// Affinity returns the storage type that a declared type stands for (https://www.sqlite.org/datatype3.html, section
// 3.1).
func Affinity(declared string) string {
	declared = strings.ToUpper(declared)
	for _, rule := range [][2]string{
		{"INT", "INTEGER"}, {"CHAR", "TEXT"}, {"CLOB", "TEXT"}, {"TEXT", "TEXT"}, {"BLOB", "BLOB"},
		{"REAL", "REAL"}, {"FLOA", "REAL"}, {"DOUB", "REAL"},
	} {
		if strings.Contains(declared, rule[0]) {
			return rule[1]
		}
	}
	if declared == "" {
		return "BLOB"
	}
	return "NUMERIC"
}

// IndexOrder is how entries of an index are sorted by one of its columns.
type IndexOrder struct {
	Collation string
	Desc      bool
}

// IndexOrders returns how indexes on expressions are sorted, by their names in lower case.
func (i *Inspection) IndexOrders() (map[string][]IndexOrder, error) {
	orders := map[string][]IndexOrder{}
	err := i.conn.Rows(`SELECT s.name, x.coll, x."desc" FROM sqlite_schema AS s, pragma_index_xinfo(s.name) AS x
		WHERE s.type = 'index' AND s.sql IS NOT NULL AND EXISTS (SELECT 1 FROM pragma_index_xinfo(s.name) WHERE cid = -2)
		ORDER BY s.name, x.seqno`, func(s *capi.Stmt) {
		name := caseless.Fold(s.Text(0))
		orders[name] = append(orders[name], IndexOrder{s.Text(1), s.Number(2) == 1})
	})
	return orders, err
}
