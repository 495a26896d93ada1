package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"firn/sqlite/internal/capi"
)

// Errors of [View.Query] that are about the SQL, rather than about the image.
var (
	// ErrSQL is returned for SQL that SQLite does not understand, or that fails as it runs.
	ErrSQL = errors.New("SQL error")
	// ErrReadOnly is returned for SQL that would change something: the image, another file, or a setting.
	ErrReadOnly = errors.New("an image can only be read")
)

// viewCache is how much of an image SQLite keeps, in KiB. It is ten times SQLite's default, because a page of an
// image costs more than a page of a file: it is fetched and decoded with its neighbours.
const viewCache = 20 << 10

// View is a database over an image that need not be a file. SQLite reads only the pages that a query needs. It is not
// safe for concurrent use, but any number of views may be open.
type View struct {
	fs   *capi.ImageFS
	conn *capi.Conn
}

// OpenView opens the database in the first size bytes of an image, which must not change. The context governs the
// queries too. Always Close the view: SQLite knows it until then.
//
// Nothing can be written, neither to the image nor to another file: the image has no way to be written, SQL that
// would write is refused before it runs, and no other database can be attached. The database itself is not trusted:
// expressions in its schema run only harmless functions (SQLITE_DBCONFIG_TRUSTED_SCHEMA, SQLITE_DBCONFIG_DEFENSIVE).
//
// OpenView fails with [ErrEmpty], [ErrNotDatabase] or [ErrCorrupt], or with an error of the image's ReadAt, wrapped.
// ReadAt must not keep the slice that it is given.
func OpenView(ctx context.Context, image io.ReaderAt, size int64) (*View, error) {
	v, err := openView(ctx, image, size)
	if err != nil {
		return nil, fmt.Errorf("open image: %w", err)
	}
	return v, nil
}

func openView(ctx context.Context, image io.ReaderAt, size int64) (*View, error) {
	switch {
	case size == 0:
		return nil, ErrEmpty
	case size < capi.MinPageSize: // SQLite takes even one byte for a new database
		return nil, fmt.Errorf("%w: %d bytes", ErrNotDatabase, size)
	}
	fs, err := capi.Mount(image, size)
	if err != nil {
		return nil, err
	}
	c, err := capi.OpenImage(ctx, fs)
	if err != nil {
		return nil, errors.Join(err, fs.Unmount())
	}
	v := &View{fs, c}
	if err = confine(c); err == nil {
		err = firstLook(c, size)
	}
	if err != nil {
		return nil, errors.Join(err, v.Close())
	}
	return v, nil
}

// confine takes from the connection everything but reading.
func confine(c *capi.Conn) error {
	c.ForbidAttach()
	c.PassUnparsed() // before that is refused; other definitions can be asked for
	return errors.Join(
		c.DistrustSchema(),
		c.Exec(fmt.Sprintf("PRAGMA query_only = 1; PRAGMA cell_size_check = 1; PRAGMA cache_size = %d", -viewCache)),
		c.AllowReading())
}

// firstLook makes SQLite read the header, and checks that the image is as long as the header says: SQLite would find
// out only when it comes to a page that is missing.
func firstLook(c *capi.Conn, size int64) error {
	pageSize, err := c.Number("PRAGMA page_size")
	if err != nil {
		return err
	}
	pages, err := c.Number("PRAGMA page_count")
	if err == nil && pages*pageSize != size {
		err = fmt.Errorf("%w: %d bytes, not %d pages of %d", ErrCorrupt, size, pages, pageSize)
	}
	return err
}

// Query runs one statement that only reads. It calls head once with the names of the columns, before the first row and
// if there is none, and row for each row, until one of them returns an error, which it returns as it is. The slice
// of values is the same each time; its elements are nil, int64, float64, string or []byte, and the callee's to keep.
//
// The error matches [ErrSQL] or [ErrReadOnly] if the SQL is to blame, also for what is none or more than one
// statement; [ErrCorrupt] if the database is malformed; and the image's error if that could not be read, which the
// next query tries again. Rows that came before an error are right.
func (v *View) Query(sql string, head func(columns []string) error, row func(values []any) error) error {
	c, err := v.Open(sql)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := head(c.Columns()); err != nil {
		return err
	}
	return c.each(row)
}

// Each runs one statement that only reads, with the values of its parameters as [View.Open] takes them, and calls row for each
// row, until that returns an error. The slice of values is the same each time; its elements are the callee's to keep. The errors
// are those of [View.Query].
func (v *View) Each(sql string, args []any, row func(values []any) error) error {
	c, err := v.Open(sql, args...)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.each(row)
}

// each calls row for each row, until that returns an error.
func (c *Cursor) each(row func(values []any) error) error {
	values := make([]any, len(c.Columns()))
	for {
		more, err := c.Next(values)
		if err != nil || !more {
			return err
		}
		if err := row(values); err != nil {
			return err
		}
	}
}

// Identifier returns a name as an identifier of SQL, in quotes.
func Identifier(name string) string { return capi.Identifier(name) }

// prepareOne compiles a text that is one statement.
func prepareOne(c *capi.Conn, sql string) (*capi.Stmt, error) {
	if strings.Contains(sql, "\x00") {
		return nil, fmt.Errorf("%w: the text holds a zero byte", ErrSQL)
	}
	var only *capi.Stmt
	for rest := sql; rest != ""; {
		s, after, err := c.PrepareNext(rest)
		if err == nil && s != nil && only != nil {
			s.Finalize()
			err = fmt.Errorf("%w: more than one statement, the second is %q", ErrSQL, strings.TrimSpace(rest[:len(rest)-len(after)]))
		}
		if err != nil {
			if only != nil {
				only.Finalize()
			}
			return nil, err
		}
		if s != nil {
			only = s
		}
		rest = after
	}
	if only == nil {
		return nil, fmt.Errorf("%w: there is no statement", ErrSQL)
	}
	return only, nil
}

// blame marks errors that are about the SQL, and not about the image.
func blame(err error) error {
	f, ok := errors.AsType[*capi.Failure](err)
	if !ok {
		return err
	}
	switch f.Primary() {
	case capi.NotWritten, capi.Denied:
		f.Kind = ErrReadOnly
	case capi.Error, capi.TooBig, capi.Mismatch, capi.Constraint, capi.OutOfRange, capi.Misuse:
		f.Kind = ErrSQL
	}
	return err
}

// LimitLength sets the length in bytes that a text, a blob or a row of a query has at most. A longer one is [ErrSQL].
func (v *View) LimitLength(most int32) { v.conn.LimitLength(most) }

// Close closes the database. It does not close the image.
func (v *View) Close() error {
	if err := errors.Join(v.conn.Close(), v.fs.Unmount()); err != nil {
		return fmt.Errorf("close image: %w", err)
	}
	return nil
}
