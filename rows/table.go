package rows

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"firn/diff"
	"firn/sqlite"
	"firn/sqlite/inspect"
)

// Table is a table of an image, as far as a person or a program that looks for rows has to know it.
type Table struct {
	Name    string // as the schema spells it
	Columns []Column
	Primary []string // the columns of the primary key, in its order; nil for none
	Unique  []string // the columns of which SQLite sees to it that no two rows have the same value
	Alias   bool     // the primary key is the rowid
	Virtual bool     // a module computes the rows
	rowID   string   // the name by which SQL reaches the rowid; "" if there is none
}

// Column is a column of a table.
type Column struct {
	Name     string
	Affinity string // as [inspect.Affinity] names it
	Computed bool   // when it is read; it is not stored
	isAny    bool   // declared as ANY
	key      int64  // its place in the primary key, from 1 on; 0 for none
}

// ErrNoTable is returned for a name that no table of the image has.
var ErrNoTable = errors.New("no such table")

// Table finds a table by its name, in upper or lower case. It fails with [ErrNoTable], and with [sqlite.ErrSQL] for a virtual
// table of a module that firn does not have.
//
// It asks the schema, and not PRAGMA table_list, which makes SQLite open all views and virtual tables of the database.
func (i *Image) Table(name string) (*Table, error) {
	t := &Table{}
	var kind string
	err := i.view.Each(`SELECT name, type, rootpage FROM main.sqlite_schema WHERE type IN ('table', 'view') AND name = ?1 COLLATE NOCASE`,
		[]any{name}, func(v []any) error {
			t.Name, kind, t.Virtual = text(v[0]), text(v[1]), v[2] == int64(0) || v[2] == nil
			return nil
		})
	switch {
	case err != nil:
		return nil, err
	case kind == "":
		return nil, fmt.Errorf("%w: %s", ErrNoTable, diff.Identifier(name))
	case kind == "view":
		return nil, fmt.Errorf("%w: %s is a view", ErrNoTable, diff.Identifier(name))
	}
	if err := i.readColumns(t); err != nil {
		return nil, err
	}
	if t.rowID, err = i.nameRowID(t); err != nil {
		return nil, err
	}
	return t, i.readKeys(t)
}

// Names returns the names of the tables in which rows can be looked for, sorted.
func (i *Image) Names() (names []string, err error) {
	err = i.view.Each(`SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'virtual')
		AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY name`, nil, func(v []any) error { names = append(names, text(v[0])); return nil })
	return names, err
}

// readColumns reads the columns. Hidden columns of virtual tables, which have hidden 1, are arguments of their modules.
func (i *Image) readColumns(t *Table) error {
	untyped := false
	err := i.view.Each(`SELECT name, type, pk, hidden FROM pragma_table_xinfo(?1, 'main') WHERE hidden <> 1 ORDER BY cid`, []any{t.Name}, func(v []any) error {
		declared := text(v[1])
		c := Column{Name: text(v[0]), Affinity: inspect.Affinity(declared), Computed: v[3] == int64(2), isAny: strings.EqualFold(declared, "ANY")}
		c.key, _ = v[2].(int64)
		t.Columns = append(t.Columns, c)
		untyped = untyped || c.isAny
		if strings.EqualFold(declared, "INTEGER") && c.key == 1 {
			t.Alias = true // if there is no more to the key: see readKeys
		}
		return nil
	})
	if err != nil || !untyped {
		return err
	}
	return i.view.Each(`SELECT 1 FROM pragma_table_list(?1) WHERE schema = 'main' AND strict`, []any{t.Name}, func([]any) error {
		for n, c := range t.Columns {
			if c.isAny {
				t.Columns[n].Affinity = "BLOB" // a STRICT table converts no values of it
			}
		}
		return nil
	})
}

// nameRowID returns a name of the rowid that no column has taken, "" if there is none: SQLite does not know the name in a table
// WITHOUT ROWID.
func (i *Image) nameRowID(t *Table) (string, error) {
	for _, name := range rowIDNames() {
		if t.column(name) != nil {
			continue
		}
		c, err := i.view.Open("SELECT " + name + " FROM main." + sqlite.Identifier(t.Name))
		if errors.Is(err, sqlite.ErrSQL) {
			return "", nil
		}
		if err == nil {
			c.Close()
		}
		return name, err
	}
	return "", nil
}

// rowIDNames are the names of the rowid in SQL (https://www.sqlite.org/lang_createtable.html#rowid).
func rowIDNames() []string { return []string{"rowid", "_rowid_", "oid"} }

// readKeys finds out which keys the table has. An INTEGER PRIMARY KEY is the rowid unless there is an index for it.
func (i *Image) readKeys(t *Table) error {
	keys := slices.DeleteFunc(slices.Clone(t.Columns), func(c Column) bool { return c.key == 0 })
	slices.SortFunc(keys, func(a, b Column) int { return int(a.key - b.key) })
	for _, c := range keys {
		t.Primary = append(t.Primary, c.Name)
	}
	t.Alias = t.Alias && len(keys) == 1
	const indexes = `SELECT min(x.name), l.origin FROM pragma_index_list(?1, 'main') l, pragma_index_info(l.name, 'main') x
		WHERE l."unique" AND NOT l.partial GROUP BY l.name HAVING count(*) = 1 AND min(x.name) IS NOT NULL`
	err := i.view.Each(indexes, []any{t.Name}, func(v []any) error {
		t.Unique = append(t.Unique, text(v[0]))
		if v[1] == "pk" {
			t.Alias = false
		}
		return nil
	})
	if t.Alias {
		t.Unique = append(t.Unique, t.Primary[0])
	}
	return err
}

// column returns the column of a name, in upper or lower case, nil for none.
func (t *Table) column(name string) *Column {
	for i := range t.Columns {
		if strings.EqualFold(t.Columns[i].Name, name) {
			return &t.Columns[i]
		}
	}
	return nil
}

// shown returns the columns of a [Row].
func (t *Table) shown() (columns []Column) {
	for _, c := range t.Columns {
		if !c.Computed {
			columns = append(columns, c)
		}
	}
	return columns
}

// text returns a value that is a text, "" for any other.
func text(v any) string {
	s, _ := v.(string)
	return s
}
