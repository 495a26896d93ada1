package inspect

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"firn/sqlite/internal/capi"
)

// Copy is some rows of a table in an empty database in memory, with the table's indexes: SQLite computes there what it
// would compute for these rows in the image. Foreign keys and triggers do nothing there.
type Copy struct {
	// Refused is why SQLite did not take rows: constraints that they break.
	Refused []string

	conn *capi.Conn
}

// ErrNotCopied is returned by [Inspection.Copy] for rows whose copy might differ from them.
var ErrNotCopied = errors.New("its rows cannot be copied")

// maxCopied is how many bytes of rows are copied, at most.
const maxCopied = 64 << 20

// Copy copies the rows of a table with some keys. Unless the rows have to obey CHECK constraints, SQLite takes rows that
// break them. The caller closes the copy.
func (i *Inspection) Copy(ctx context.Context, t *Table, keys [][]any, obey bool) (*Copy, error) {
	columns, err := i.copied(t)
	if err != nil {
		return nil, err
	}
	objects, err := i.objectsOf(t)
	if err != nil {
		return nil, err
	}
	conn, err := capi.Open(ctx, ":memory:", capi.ReadWrite)
	if err != nil {
		return nil, err
	}
	c := &Copy{conn: conn}
	if err = c.define(t, objects); err != nil && ctx.Err() == nil {
		err = fmt.Errorf("%w: %w", ErrNotCopied, err)
	}
	if err == nil && !obey {
		err = conn.Exec("PRAGMA ignore_check_constraints = 1")
	}
	if err == nil {
		err = c.fill(i, t, columns, keys)
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Close frees the copy.
func (c *Copy) Close() error { return c.conn.Close() }

// Image returns the bytes of the copy.
func (c *Copy) Image() (image []byte, err error) {
	err = c.conn.Rows("SELECT data FROM sqlite_dbpage ORDER BY pgno", func(s *capi.Stmt) { image = append(image, s.Bytes(0)...) })
	return image, err
}

// copied returns the columns of a table whose values make up a row. Text in UTF-16 that no UTF-8 stands for would change on
// the way, and a stored computed value would be computed anew.
func (i *Inspection) copied(t *Table) (columns []string, err error) {
	encoding, err := i.conn.Text("PRAGMA encoding")
	if err != nil {
		return nil, err
	}
	stored, rowid := false, t.Collations == nil
	err = i.conn.Rows("SELECT name, hidden FROM pragma_table_xinfo("+capi.Quote(t.Name)+")", func(s *capi.Stmt) {
		switch s.Number(1) {
		case 0:
			columns = append(columns, s.Text(0))
		case 3:
			stored = true
		}
	})
	switch {
	case err != nil:
		return nil, err
	case encoding != "UTF-8" || stored || len(t.Key) == 0:
		return nil, ErrNotCopied
	case rowid:
		columns = append(columns, t.Key[0])
	}
	return columns, nil
}

// object is an entry of the schema.
type object struct {
	name string
	sql  any // nil for the index of a constraint
}

// objectsOf returns a table and its indexes, the table first.
func (i *Inspection) objectsOf(t *Table) (objects []object, err error) {
	err = i.conn.Rows("SELECT name, sql FROM sqlite_schema WHERE type IN ('table', 'index') AND rootpage > 0 AND tbl_name = "+
		capi.Quote(t.Name)+" COLLATE NOCASE ORDER BY type DESC, rowid", func(s *capi.Stmt) {
		objects = append(objects, object{s.Text(0), s.Value(1)})
	})
	return objects, err
}

// define gives the copy the schema. Texts are parsed and not run, as SQLite does when it opens a database.
func (c *Copy) define(t *Table, objects []object) error {
	c.conn.ForbidAttach()
	shape := "CREATE TABLE o0 (a);"
	if t.Collations != nil {
		shape = "CREATE TABLE o0 (a PRIMARY KEY) WITHOUT ROWID;"
	}
	for n := range objects[1:] {
		shape += fmt.Sprintf("CREATE INDEX o%d ON o0 (a);", n+1)
	}
	// With AUTOINCREMENT SQLite looks for a table that it makes with the first such table.
	if err := c.conn.Exec("CREATE TABLE s (a INTEGER PRIMARY KEY AUTOINCREMENT); DROP TABLE s;" + shape + "PRAGMA writable_schema = ON"); err != nil {
		return err
	}
	s, err := c.conn.Prepare("UPDATE sqlite_schema SET name = ?1, tbl_name = ?2, sql = ?3 WHERE rowid = (SELECT min(rowid) FROM sqlite_schema WHERE name = ?4 AND tbl_name = 'o0')")
	if err != nil {
		return err
	}
	defer s.Finalize()
	for n := len(objects) - 1; n >= 0; n-- { // the table last, whose name the others have
		o := objects[n]
		for place, value := range []any{o.name, t.Name, o.sql, fmt.Sprintf("o%d", n)} {
			if err := s.Bind(int32(place+1), value); err != nil {
				return err
			}
		}
		if err := s.Run(); err != nil {
			return err
		}
	}
	return errors.Join(c.conn.Exec("PRAGMA writable_schema = RESET"), c.conn.DistrustSchema())
}

// fill copies rows.
func (c *Copy) fill(i *Inspection, t *Table, columns []string, keys [][]any) error {
	var read, names, marks []string
	for n, column := range columns {
		read = append(read, member("source", column))
		names = append(names, capi.Identifier(column))
		marks = append(marks, fmt.Sprintf("?%d", n+1))
	}
	row, err := i.ask(fmt.Sprintf("SELECT %s FROM %s WHERE %s", strings.Join(read, ", "), from(t, "source"), t.is("source")))
	if err != nil {
		return err
	}
	defer row.Close()
	// A definition may say what else to do about a row that breaks a constraint, such as to leave it out.
	insert, err := c.conn.Prepare(fmt.Sprintf("INSERT OR ABORT INTO main.%s (%s) VALUES (%s)", capi.Identifier(t.Name), strings.Join(names, ", "), strings.Join(marks, ", ")))
	if err != nil {
		return err
	}
	defer insert.Finalize()
	if err := c.conn.Exec("BEGIN"); err != nil {
		return err
	}
	size := 0
	for _, key := range keys {
		values, err := row.Row(key)
		if err != nil {
			return err
		}
		if size += length(values); values == nil || size > maxCopied {
			return ErrNotCopied
		}
		if err := c.add(t, insert, values); err != nil {
			return err
		}
	}
	return c.conn.Exec("COMMIT")
}

// add adds one row.
func (c *Copy) add(t *Table, insert *capi.Stmt, values []any) error {
	for n, v := range values {
		if err := insert.Bind(int32(n+1), v); err != nil {
			return err
		}
	}
	err := insert.Run()
	if failed, ok := errors.AsType[*capi.Failure](err); ok && failed.Primary() == capi.Constraint {
		if len(c.Refused) < Most {
			c.Refused = append(c.Refused, fmt.Sprintf("%s in table %s", failed.Message, t.Name))
		}
		return nil
	}
	return err
}

// length returns how many bytes values take, about.
func length(values []any) (n int) {
	for _, v := range values {
		n += 8
		switch v := v.(type) {
		case string:
			n += len(v)
		case []byte:
			n += len(v)
		}
	}
	return n
}
