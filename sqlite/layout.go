package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"firn/sqlite/inspect"
	"firn/sqlite/internal/capi"
)

// Layout says how the rows of a table are stored.
type Layout struct {
	Columns []Column // in the order of the record, without computed columns that are not stored
	Key     int      // how many columns of the record are the primary key of a table WITHOUT ROWID; 0 for others
	RowID   int      // which column is the rowid, and NULL in the record; -1 for none
}

// Column is a column of a table.
type Column struct {
	Name    string
	Default any    // value in rows that are older than the column: nil, int64, float64, string or []byte
	Real    bool   // whether whole numbers are stored as integers, and read as float64
	Order   string // for columns of a Key: collation and direction by which the table is sorted
}

// TableLayout reads the definition of a table, the text of its CREATE TABLE as sqlite_schema has it. The text is
// parsed and not run, as SQLite does when it opens a database. So the text may come from anywhere, and may name
// functions and collations that only its application has.
func TableLayout(ctx context.Context, table, definition string) (layout Layout, err error) {
	c, err := capi.Open(ctx, ":memory:", capi.ReadWrite)
	if err == nil {
		layout, err = layoutOf(c, table, definition)
		err = errors.Join(err, c.Close())
	}
	if err != nil {
		return Layout{}, fmt.Errorf("read definition of table %s: %w", table, err)
	}
	return layout, nil
}

// layoutOf puts the table into the schema of an empty database, and asks SQLite how it understands the table.
func layoutOf(c *capi.Conn, table, definition string) (Layout, error) {
	if err := c.Exec("CREATE TABLE t (a); PRAGMA writable_schema = ON"); err != nil {
		return Layout{}, err
	}
	if err := c.ExecText("UPDATE sqlite_schema SET name = ?1, tbl_name = ?1, sql = ?2", table, definition); err != nil {
		return Layout{}, err
	}
	if err := c.Exec("PRAGMA writable_schema = RESET"); err != nil {
		return Layout{}, err
	}
	c.LimitLength(maxDefault)
	columns, err := storedColumns(c)
	if err == nil && len(columns) == 0 {
		err = fmt.Errorf("%w: the table has no columns", ErrCorrupt)
	}
	if err != nil {
		return Layout{}, err
	}
	layout := Layout{RowID: -1}
	for i, column := range columns {
		if column.isKey {
			layout.Key = i + 1
		}
		if column.isRowID {
			layout.RowID = i
		}
		if err := setDefault(c, &column); err != nil {
			return Layout{}, err
		}
		layout.Columns = append(layout.Columns, column.Column)
	}
	return layout, nil
}

// storedColumn is a column with the facts that SQLite tells about it.
type storedColumn struct {
	Column
	declared       string // type
	strict         bool   // its table
	expression     string // of the default
	isKey, isRowID bool
}

// storedColumns returns the columns of the only table. Columns that are computed when they are read have hidden 2. A
// table WITHOUT ROWID answers index_xinfo in the order of its records; other tables do not answer it. An INTEGER
// PRIMARY KEY is the rowid unless there is an index for it (https://www.sqlite.org/lang_createtable.html#rowid).
func storedColumns(c *capi.Conn) (columns []storedColumn, err error) {
	const query = `SELECT i.name, i.type, i.dflt_value, coalesce(x.key, 0), coalesce(x.coll, ''), coalesce(x."desc", 0),
		NOT l.wr AND i.pk AND upper(i.type) = 'INTEGER'
			AND (SELECT count(*) FROM pragma_table_info(l.name) WHERE pk) = 1
			AND NOT EXISTS (SELECT 1 FROM pragma_index_list(l.name) WHERE origin = 'pk'),
		l.strict
		FROM pragma_table_list l, pragma_table_xinfo(l.name) i LEFT JOIN pragma_index_xinfo(l.name) x ON l.wr AND x.cid = i.cid
		WHERE l.schema = 'main' AND l.name <> 'sqlite_schema' AND i.hidden <> 2 ORDER BY x.seqno, i.cid`
	err = c.Rows(query, func(s *capi.Stmt) {
		column := storedColumn{Column: Column{Name: s.Text(0)}, declared: s.Text(1), expression: s.Text(2)}
		column.isKey, column.isRowID, column.strict = s.Number(3) == 1, s.Number(6) == 1, s.Number(7) == 1
		column.Real = inspect.Affinity(column.declared) == "REAL"
		if column.isKey {
			column.Order = s.Text(4)
			if s.Number(5) == 1 {
				column.Order += " DESC"
			}
		}
		columns = append(columns, column)
	})
	return columns, err
}

// maxDefault is the greatest length of a default.
const maxDefault = 1 << 20

// setDefault finds out which value the column has in rows that are older than the column. It does as SQLite does, and
// adds the column to a table with a row. SQLite refuses a default that is no constant, such as the time: then the
// column was there from the beginning, and no row lacks it.
func setDefault(c *capi.Conn, column *storedColumn) error {
	if column.expression == "" {
		return nil
	}
	create := "CREATE TEMP TABLE d (a)"
	if column.strict {
		create = "CREATE TEMP TABLE d (a ANY) STRICT"
	}
	if err := c.Exec(create + "; INSERT INTO temp.d VALUES (NULL)"); err != nil {
		return err
	}
	if addColumn(c, column) != nil {
		return errors.Join(c.Context().Err(), c.Exec("DROP TABLE temp.d"))
	}
	if err := c.Rows("SELECT c FROM temp.d", func(s *capi.Stmt) { column.Default = s.Value(0) }); err != nil {
		return err
	}
	return c.Exec("DROP TABLE temp.d")
}

// addColumn adds the column to the temporary table. Its expression stands in parentheses, which SQLite has taken off,
// and may end with a comment. A bare name is a text without parentheses, and a column within them.
func addColumn(c *capi.Conn, column *storedColumn) error {
	add := "ALTER TABLE temp.d ADD COLUMN c " + column.declared + " DEFAULT "
	err := c.ExecText(add + "(" + column.expression + "\n)")
	if err != nil && isName(column.expression) {
		err = c.ExecText(add + column.expression)
	}
	return err
}

// isName reports whether an expression is an identifier or has the quotes of an identifier.
func isName(expression string) bool {
	quoted := strings.ContainsAny(expression[:1], "\"`[")
	return quoted || !strings.ContainsFunc(expression, func(r rune) bool {
		return r < utf8.RuneSelf && r != '_' && r != '$' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}
