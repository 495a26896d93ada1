package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
)

// OpenDB returns a database of package database/sql over an image that need not be a file. It is for many goroutines:
// each of its connections is a [View]. The function opens the image for a connection, and returns its length in bytes;
// the context that it is given lasts as long as the connection.
//
// Values come as SQLite stores them: int64, float64, string, []byte or nil. A column that is declared as a time is a text
// or a number, as the application has written it. Errors are those of [OpenView] and [View.Query]. Transactions only
// read, and statements that would change something fail with [ErrReadOnly].
func OpenDB(image func(ctx context.Context) (io.ReaderAt, int64, error)) *sql.DB {
	return sql.OpenDB(connector{image})
}

// connector opens connections for package database/sql.
type connector struct {
	image func(ctx context.Context) (io.ReaderAt, int64, error)
}

// Connect opens the image. The context is for this call alone, and the connection outlives it.
func (c connector) Connect(ctx context.Context) (conn driver.Conn, err error) {
	lasting, end := context.WithCancel(context.WithoutCancel(ctx))
	defer context.AfterFunc(ctx, end)()
	defer func() { err = because(ctx, err) }()
	image, size, err := c.image(lasting)
	var v *View
	if err == nil {
		v, err = OpenView(lasting, image, size)
	}
	if err != nil {
		end()
		return nil, err
	}
	return &dbConn{view: v, ctx: lasting, end: end}, nil
}

// Driver is there for package database/sql, which asks it for nothing.
func (c connector) Driver() driver.Driver { return dbDriver{} }

type dbDriver struct{}

// Open refuses a name: a connection needs the image that [OpenDB] was given.
func (dbDriver) Open(string) (driver.Conn, error) {
	return nil, errors.New("sqlite: an image is opened by OpenDB, not by a name")
}

// dbConn is a view as package database/sql uses it: by one goroutine at a time.
type dbConn struct {
	view *View
	ctx  context.Context
	end  context.CancelFunc // interrupts a query, after which the connection is of no use
}

// IsValid reports whether no query was interrupted.
func (c *dbConn) IsValid() bool { return c.ctx.Err() == nil }

// Close closes the view.
func (c *dbConn) Close() error {
	err := c.view.Close()
	c.end()
	return err
}

// Begin begins a transaction that only reads. An image never changes, so there is nothing to do.
func (c *dbConn) Begin() (driver.Tx, error) { return dbTx{}, nil }

// BeginTx is Begin.
func (c *dbConn) BeginTx(context.Context, driver.TxOptions) (driver.Tx, error) { return dbTx{}, nil }

type dbTx struct{}

// Commit does nothing.
func (dbTx) Commit() error { return nil }

// Rollback does nothing.
func (dbTx) Rollback() error { return nil }

// CheckNamedValue takes values of the types that SQLite stores, and named ones.
func (c *dbConn) CheckNamedValue(v *driver.NamedValue) (err error) {
	v.Value, err = driver.DefaultParameterConverter.ConvertValue(v.Value)
	return err
}

// QueryContext runs a statement. The context ends it, and its rows.
func (c *dbConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	stop := context.AfterFunc(ctx, c.end)
	values := make([]any, len(args))
	for i, a := range args {
		values[i] = a
	}
	cursor, err := c.view.Open(query, values...)
	if err != nil {
		stop()
		return nil, because(ctx, err)
	}
	return &dbRows{cursor, ctx, stop}, nil
}

// because returns the error of a context that has ended in place of another error: the end of the context interrupts the
// connection, whose own error does not say whether a deadline has passed.
func because(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// ExecContext runs a statement that may return rows, of which nothing is wanted.
func (c *dbConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	rows, err := c.QueryContext(ctx, query, args)
	if err != nil {
		return nil, err
	}
	return driver.RowsAffected(0), rows.Close()
}

// Prepare returns a statement that is compiled each time it is run.
func (c *dbConn) Prepare(query string) (driver.Stmt, error) { return &dbStmt{c, query}, nil }

// dbStmt is a statement with its text.
type dbStmt struct {
	conn  *dbConn
	query string
}

// Close does nothing.
func (s *dbStmt) Close() error { return nil }

// NumInput returns -1: the number of parameters is checked when the statement is run.
func (s *dbStmt) NumInput() int { return -1 }

// Exec is [dbConn.ExecContext].
func (s *dbStmt) Exec(args []driver.Value) (driver.Result, error) {
	return s.conn.ExecContext(context.Background(), s.query, ordinals(args))
}

// Query is [dbConn.QueryContext].
func (s *dbStmt) Query(args []driver.Value) (driver.Rows, error) {
	return s.conn.QueryContext(context.Background(), s.query, ordinals(args))
}

// QueryContext is that of the connection.
func (s *dbStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.conn.QueryContext(ctx, s.query, args)
}

func ordinals(args []driver.Value) []driver.NamedValue {
	named := make([]driver.NamedValue, len(args))
	for i, a := range args {
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
	}
	return named
}

// dbRows are the rows of a query.
type dbRows struct {
	*Cursor
	ctx  context.Context
	stop func() bool // keeps the query's context from ending the connection
}

// Close ends the query.
func (r *dbRows) Close() error {
	r.stop()
	r.Cursor.Close()
	return nil
}

// Next reads a row.
func (r *dbRows) Next(dest []driver.Value) error {
	values := make([]any, len(dest))
	more, err := r.Cursor.Next(values)
	if err == nil && !more {
		err = io.EOF
	} else if err != nil {
		err = because(r.ctx, err)
	}
	for i, v := range values {
		dest[i] = v
	}
	return err
}
