package sqlite

import (
	"database/sql/driver"
	"fmt"
	"strings"
	"time"

	"firn/sqlite/internal/capi"
)

// Cursor steps through the rows of a statement on a [View]. The view runs no other statement until the cursor is closed.
type Cursor struct {
	stmt    *capi.Stmt
	columns []string
}

// Open runs one statement that only reads, with values for its parameters, as [View.Query] does. The values are nil,
// bool, int64, float64, string, []byte or [time.Time], which becomes a text in UTC as SQLite's own functions write it,
// with milliseconds. A [driver.NamedValue] with a name is for the parameters :name, @name and $name. The caller closes the
// cursor.
func (v *View) Open(sql string, args ...any) (*Cursor, error) {
	s, err := prepareOne(v.conn, sql)
	if err != nil {
		return nil, blame(err)
	}
	if !s.ReadOnly() {
		s.Finalize()
		return nil, ErrReadOnly
	}
	if err := bindAll(s, args); err != nil {
		s.Finalize()
		return nil, blame(err)
	}
	return &Cursor{s, s.Columns()}, nil
}

// Columns returns the names of the columns.
func (c *Cursor) Columns() []string { return c.columns }

// Next reads the next row into a slice with a place for each column, and reports whether there was one. The values are
// nil, int64, float64, string or []byte, and the caller's to keep.
func (c *Cursor) Next(values []any) (bool, error) {
	more, err := c.stmt.Step()
	if err != nil || !more {
		return false, blame(err)
	}
	for i := range values {
		values[i] = c.stmt.Value(int32(i))
	}
	return true, nil
}

// Close ends the statement.
func (c *Cursor) Close() { c.stmt.Finalize() }

// bindAll gives each parameter of a statement its value.
func bindAll(s *capi.Stmt, args []any) error {
	if s.Parameters() == 0 && len(args) == 0 {
		return nil
	}
	used := 0
	for i := 1; i <= s.Parameters(); i++ {
		value, ok := argument(args, i, s.Parameter(i))
		if !ok {
			return fmt.Errorf("%w: parameter %d of %d has no value", ErrSQL, i, s.Parameters())
		}
		if err := bindValue(s, int32(i), value); err != nil {
			return err
		}
		used++
	}
	if used < len(args) {
		return fmt.Errorf("%w: %d values for %d parameters", ErrSQL, len(args), used)
	}
	return nil
}

// argument finds the value of a parameter: by its name, or by its place.
func argument(args []any, index int, name string) (any, bool) {
	for i, a := range args {
		named, ok := a.(driver.NamedValue)
		switch {
		case ok && named.Name != "":
			if name != "" && named.Name == strings.TrimLeft(name, ":@$") {
				return named.Value, true
			}
		case i == index-1 && ok:
			return named.Value, true
		case i == index-1:
			return a, true
		}
	}
	return nil, false
}

// bindValue sets a parameter.
func bindValue(s *capi.Stmt, index int32, value any) error {
	switch v := value.(type) {
	case nil, int64, float64, string:
		return s.Bind(index, v)
	case bool:
		if v {
			return s.BindNumber(index, 1)
		}
		return s.BindNumber(index, 0)
	case []byte:
		if v == nil {
			return s.BindNull(index)
		}
		return s.BindBlob(index, v)
	case time.Time:
		return s.BindText(index, v.UTC().Format("2006-01-02 15:04:05.000"))
	}
	return fmt.Errorf("%w: a parameter cannot be a %T", ErrSQL, value)
}
