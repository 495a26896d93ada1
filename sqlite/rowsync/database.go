package rowsync

import (
	"strings"

	"firn/sqlite"
	"firn/sqlite/internal/capi"
)

// database answers queries: the image, or the live database.
type database interface {
	// query calls row for each row of a result. The slice is the same each time, its values are the callee's to keep.
	query(sql string, args []any, row func(values []any) error) error
}

// image is the database of a snapshot.
type image struct{ *sqlite.View }

func (i image) query(sql string, args []any, row func(values []any) error) error {
	return i.Each(sql, args, row)
}

// connection is a database that SQLite has opened. It keeps its statements, which are run again and again.
type connection struct {
	*capi.Conn
	prepared map[string]*capi.Stmt
}

func newConnection(c *capi.Conn) *connection { return &connection{c, map[string]*capi.Stmt{}} }

// close ends the statements and the connection.
func (c *connection) close() error {
	for _, s := range c.prepared {
		s.Finalize()
	}
	return c.Close()
}

// prepare compiles a statement, or returns the one that was compiled before, with values for its parameters.
func (c *connection) prepare(sql string, args []any) (*capi.Stmt, error) {
	s := c.prepared[sql]
	if s == nil {
		var err error
		if s, err = c.Prepare(sql); err != nil {
			return nil, err
		}
		c.prepared[sql] = s
	}
	for i, arg := range args {
		if err := s.Bind(int32(i+1), arg); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (c *connection) query(sql string, args []any, row func(values []any) error) error {
	s, err := c.prepare(sql, args)
	if err != nil {
		return err
	}
	defer s.Reset()
	values := make([]any, s.Width())
	for {
		if more, err := s.Step(); err != nil || !more {
			return err
		}
		for i := range values {
			values[i] = s.Value(int32(i))
		}
		if err := row(values); err != nil {
			return err
		}
	}
}

// run executes a statement that changes rows, and returns how many it has changed.
func (c *connection) run(sql string, args []any) (int64, error) {
	s, err := c.prepare(sql, args)
	if err != nil {
		return 0, err
	}
	if err := s.Run(); err != nil {
		return 0, err
	}
	return c.Changes(), nil
}

// identifier returns a name as an identifier of SQL.
func identifier(name string) string { return capi.Identifier(name) }

// identifiers returns names as a list.
func identifiers(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = identifier(name)
	}
	return strings.Join(quoted, ", ")
}

// parameters returns n parameters in parentheses.
func parameters(n int) string { return "(" + strings.TrimSuffix(strings.Repeat("?,", n), ",") + ")" }
