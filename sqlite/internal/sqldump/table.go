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

// tables makes and fills the tables. Tables with AUTOINCREMENT write to sqlite_sequence, so it comes last.
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

// table makes a table and fills it. A shadow table is treated like any other table: so the content of virtual tables
// is written without asking them.
func (d *dump) table(e entry, schema []entry) error {
	var err error
	switch {
	case isVirtual(e.sql):
		return d.virtual(e)
	case e.name == sequenceTable:
		err = d.sequence()
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

// virtual writes the definition of a virtual table as a row of the schema. To make the table itself would make its
// shadow tables, which have entries of their own.
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
	d.line("-- From here on the connection must not be in defensive mode: the sqlite3 shell leaves it by .dbconfig defensive off.")
	d.line("PRAGMA writable_schema=ON;")
}

// sequence makes SQLite make sqlite_sequence, by means of a table of its own: the tables that needed sqlite_sequence
// may be gone.
func (d *dump) sequence() error {
	d.line("CREATE TABLE ", d.unused, "(n INTEGER PRIMARY KEY AUTOINCREMENT);")
	d.line("DROP TABLE ", d.unused, ";")
	return d.line("DELETE FROM ", sequenceTable, ";")
}

// unusedName returns a name for a table that is made and dropped again.
func unusedName(schema []entry) string {
	name := "firn_sequence"
	for taken := func(e entry) bool { return strings.EqualFold(e.name, name) }; slices.ContainsFunc(schema, taken); {
		name += "_"
	}
	return name
}

// statistics makes SQLite make the table of ANALYZE. Some builds make a second table with it.
func (d *dump) statistics(schema []entry) error {
	err := d.line("ANALYZE sqlite_master;")
	if !slices.ContainsFunc(schema, func(e entry) bool { return e.name == stat4Table }) {
		err = d.line("DROP TABLE IF EXISTS ", stat4Table, ";")
	}
	return err
}

// reserved makes a table of SQLite's own. Some builds have made it already, and some do not make it.
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
	rows, err := d.rows(table, columns)
	defer rows.finalize()
	if err != nil {
		return err
	}
	for {
		row, err := rows.step()
		if err != nil || !row {
			return err
		}
		if err := d.row(into, rows); err != nil {
			return err
		}
	}
}

// maxResult is the greatest number of columns of a result (SQLITE_MAX_COLUMN). A table has as many, and may have a
// rowid beside its columns.
const maxResult = 2000

// rowParts reads the rows of a table: each statement reads some of the columns, and all are at the same row.
type rowParts []*capi.Stmt

// rows prepares to read rows, in the order of the rowid or primary key: an index might have another order, or damage.
func (d *dump) rows(table string, columns []string) (rows rowParts, err error) {
	for part := range slices.Chunk(columns, maxResult) {
		s, err := d.conn.Prepare("SELECT " + strings.Join(part, ",") + " FROM main." + capi.Identifier(table) + " NOT INDEXED")
		if err != nil {
			return rows, d.explain(table, err)
		}
		rows = append(rows, s)
	}
	return rows, nil
}

// explain says why SQLite does not read a table: it reads no table WITHOUT ROWID that is sorted by a collation which
// it does not know. PRAGMA collation_list would name unknown collations, too.
func (d *dump) explain(table string, err error) error {
	known := []string{"BINARY", "NOCASE", "RTRIM"}
	unknown := ""
	failed := d.conn.Rows("PRAGMA main.index_xinfo("+capi.Identifier(table)+")", func(s *capi.Stmt) {
		if name := s.Text(4); s.Number(5) == 1 && !slices.Contains(known, strings.ToUpper(name)) {
			unknown = name
		}
	})
	if failed != nil || unknown == "" {
		return err
	}
	return fmt.Errorf("its primary key is sorted by %q: %w", unknown, ErrCollation)
}

func (r rowParts) finalize() {
	for _, s := range r {
		s.Finalize()
	}
}

func (r rowParts) step() (row bool, err error) {
	for _, s := range r {
		if row, err = s.Step(); err != nil || !row {
			return false, err
		}
	}
	return true, nil
}

// row writes the statement of a row.
func (d *dump) row(into string, rows rowParts) error {
	d.length = 0
	separator := into
	for _, s := range rows {
		for i := range s.Width() {
			d.put(separator)
			d.value(s, int32(i))
			separator = ","
		}
	}
	if err := d.line(");"); err != nil {
		return err
	}
	if d.length > d.limit {
		return fmt.Errorf("a row takes a statement of %s bytes, and SQLite reads %d at most", strconv.Itoa(d.length), d.limit)
	}
	return nil
}

// columns returns the quoted names of the columns of a row, and a name for the rowid if no column is the rowid.
// Rowids are kept because other tables find rows by them, such as a full-text index with external content.
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
	if len(names) == 0 && d.unparsed != nil {
		return nil, "", capi.ErrUnparsed
	}
	if len(names) == 0 {
		return nil, "", fmt.Errorf("%w: the table has no columns", capi.ErrCorrupt)
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
	return names, "", nil // no SQL can name the rowid
}

// hidesRowid reports whether a table has rowids that are none of its columns. A table WITHOUT ROWID has no rowids and
// answers index_info. A key of one column declared as INTEGER is the rowid, unless there is an index for it
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
