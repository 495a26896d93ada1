package sqldump

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"firn/sqlite/internal/capi"
)

// The tables that SQLite makes itself.
const (
	systemPrefix  = "sqlite_"
	sequenceTable = "sqlite_sequence"
	stat1Table    = "sqlite_stat1"
	stat4Table    = "sqlite_stat4"
)

// tables makes and fills the tables. Those with AUTOINCREMENT write to sqlite_sequence, which comes last.
func (d *dump) tables(schema []entry) error {
	for _, last := range []bool{false, true} {
		for _, e := range schema {
			if e.kind != "table" || (e.name == sequenceTable) != last {
				continue
			}
			err := d.table(e, schema)
			if err == nil {
				continue
			}
			if d.conn.Context().Err() != nil || d.out.Flush() != nil {
				return err
			}
			d.failed = append(d.failed, fmt.Errorf("table %q: %w", e.name, err))
		}
	}
	return nil
}

// table makes a table and fills it. A shadow table is one like any other here: so the content of virtual tables is
// written without asking them.
func (d *dump) table(e entry, schema []entry) error {
	var err error
	switch {
	case isVirtual(e.sql):
		return d.virtual(e)
	case e.name == sequenceTable:
		err = d.sequence(schema)
	case e.name == stat1Table:
		err = d.statistics(schema)
	case len(e.name) >= len(systemPrefix) && strings.EqualFold(e.name[:len(systemPrefix)], systemPrefix):
		err = d.reserved(e)
	default:
		err = d.create(e.sql)
	}
	if err != nil {
		return err
	}
	return d.fill(e.name)
}

// virtual writes the definition of a virtual table as a row: to make the table would make its shadow tables, which have
// their own entries.
func (d *dump) virtual(e entry) error {
	d.writeSchema()
	d.put("INSERT INTO sqlite_master(type,name,tbl_name,rootpage,sql) VALUES('table',")
	d.text(e.name)
	d.put(",")
	d.text(e.name)
	d.put(",0,")
	d.text(e.sql)
	return d.line(");")
}

// writeSchema lets the script write the schema from here on.
func (d *dump) writeSchema() {
	if d.writable {
		return
	}
	d.writable = true
	d.line("-- From here on the connection must not be in defensive mode.")
	d.line("PRAGMA writable_schema=ON;")
}

// sequence makes SQLite make its table, by means of another one: those that have needed it may be gone.
func (d *dump) sequence(schema []entry) error {
	name := "firn_sequence"
	for taken := func(e entry) bool { return strings.EqualFold(e.name, name) }; slices.ContainsFunc(schema, taken); {
		name += "_"
	}
	d.line("CREATE TABLE ", name, "(n INTEGER PRIMARY KEY AUTOINCREMENT);")
	d.line("DROP TABLE ", name, ";")
	return d.line("DELETE FROM ", sequenceTable, ";")
}

// statistics makes SQLite make the table of ANALYZE. Some builds make another with it.
func (d *dump) statistics(schema []entry) error {
	err := d.line("ANALYZE sqlite_master;")
	if !slices.ContainsFunc(schema, func(e entry) bool { return e.name == stat4Table }) {
		err = d.line("DROP TABLE IF EXISTS ", stat4Table, ";")
	}
	return err
}

// reserved makes a table of SQLite's own that some builds do not make.
func (d *dump) reserved(e entry) error {
	d.writeSchema()
	return d.create(strings.Replace(e.sql, "CREATE TABLE ", "CREATE TABLE IF NOT EXISTS ", 1))
}

// fill writes the rows of a table.
func (d *dump) fill(table string) error {
	columns, rowid, err := d.columns(table)
	if err != nil {
		return err
	}
	into := "INSERT INTO " + capi.Identifier(table)
	if rowid != "" {
		columns = slices.Insert(columns, 0, rowid)
		into += "(" + strings.Join(columns, ",") + ")"
	}
	into += " VALUES("
	// By rowid or primary key. An index might be in another order, or damaged.
	s, err := d.conn.Prepare("SELECT " + strings.Join(columns, ",") + " FROM main." + capi.Identifier(table) + " NOT INDEXED")
	if err != nil {
		return err
	}
	defer s.Finalize()
	for {
		row, err := s.Step()
		if err != nil || !row {
			return err
		}
		if err := d.row(into, s, int32(len(columns))); err != nil {
			return err
		}
	}
}

// row writes the statement of a row.
func (d *dump) row(into string, s *capi.Stmt, columns int32) error {
	d.length = 0
	d.put(into)
	for i := range columns {
		if i > 0 {
			d.put(",")
		}
		d.value(s, i)
	}
	if err := d.line(");"); err != nil {
		return err
	}
	if d.length > d.limit {
		return fmt.Errorf("a row takes a statement of %s bytes, and SQLite reads %d at most", strconv.Itoa(d.length), d.limit)
	}
	return nil
}

// columns returns the names of the columns that a row is made of, quoted, and the name that stands for the rowid if
// that is not one of them. Rowids are kept, because external content of a full-text index, for one, is found by them.
func (d *dump) columns(table string) (names []string, rowid string, err error) {
	var keys int
	var taken []string
	integer := false
	err = d.conn.Rows("PRAGMA main.table_xinfo("+capi.Identifier(table)+")", func(s *capi.Stmt) {
		name, declared, key, generated := s.Text(1), s.Text(2), s.Number(5) > 0, s.Number(6) != 0
		taken = append(taken, strings.ToLower(name))
		if !generated {
			names = append(names, capi.Identifier(name))
		}
		if key {
			keys++
			integer = strings.EqualFold(declared, "INTEGER")
		}
	})
	if err != nil {
		return nil, "", err
	}
	if len(names) == 0 {
		return nil, "", fmt.Errorf("%w: it has no columns", capi.ErrCorrupt)
	}
	hidden, err := d.hidesRowid(table, keys == 1 && integer)
	if err != nil || !hidden {
		return names, "", err
	}
	for _, name := range []string{"rowid", "_rowid_", "oid"} {
		if !slices.Contains(taken, name) {
			return names, name, nil
		}
	}
	return names, "", nil // nobody can name it
}

// hidesRowid reports whether a table has rowids that are no column of it. A table WITHOUT ROWID has none and answers
// index_info; a key of one column declared as INTEGER is the rowid, unless there is an index for it
// (https://www.sqlite.org/lang_createtable.html#rowid).
func (d *dump) hidesRowid(table string, integerKey bool) (hidden bool, err error) {
	hidden = true
	err = d.conn.Rows("PRAGMA main.index_info("+capi.Identifier(table)+")", func(*capi.Stmt) { hidden = false })
	if err != nil || !hidden || !integerKey {
		return hidden, err
	}
	hidden = false
	err = d.conn.Rows("PRAGMA main.index_list("+capi.Identifier(table)+")", func(s *capi.Stmt) {
		hidden = hidden || s.Text(3) == "pk"
	})
	return hidden, err
}
