package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// What can be wrong with what [View.Query] is asked, rather than with the image.
var (
	// ErrSQL is returned for SQL that SQLite does not understand, or that fails as it runs.
	ErrSQL = errors.New("SQL error")
	// ErrReadOnly is returned for SQL that would change something: the image, another file, or a setting.
	ErrReadOnly = errors.New("an image can only be read")
)

// viewCache is how much of an image SQLite keeps, in KiB. A page costs more here than one in a file, since it is
// fetched and decoded with its neighbours: so ten times what SQLite keeps on its own.
const viewCache = 20 << 10

// View is a database over an image that need not be a file. SQLite reads only the pages that a query needs. It is not
// safe for concurrent use, but any number of views may be open.
type View struct {
	fs   *imageFS
	conn *conn
}

// OpenView opens the database whose bytes are the first size bytes of an image, which must not change. The context
// governs the queries too. Always Close it: SQLite knows the view until then.
//
// Nothing can be written, neither to the image nor to another file: the image has no way to be written, SQL that would
// write is refused before it runs, and no other database can be attached. The database itself is not trusted: what
// stands in its schema runs only what is harmless (SQLITE_DBCONFIG_TRUSTED_SCHEMA, SQLITE_DBCONFIG_DEFENSIVE).
//
// It fails with [ErrEmpty], [ErrNotDatabase] or [ErrCorrupt], or as the reading fails: errors of image come back as
// they are, wrapped. Its ReadAt must not keep the slice that it is given.
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
	case size < minPageSize: // SQLite takes even one byte for a new database
		return nil, fmt.Errorf("%w: %d bytes", ErrNotDatabase, size)
	}
	fs, err := mount(image, size)
	if err != nil {
		return nil, err
	}
	c, err := openOn(ctx, fs, imageName, readOnly)
	if err != nil {
		return nil, errors.Join(err, fs.unmount())
	}
	v := &View{fs, c}
	if err = c.confine(); err == nil {
		err = c.firstLook(size)
	}
	if err != nil {
		return nil, errors.Join(err, v.Close())
	}
	return v, nil
}

// confine leaves the connection what reading takes.
func (c *conn) confine() error {
	lib.Xsqlite3_limit(c.tls, c.db, lib.SQLITE_LIMIT_ATTACHED, 0)
	err := errors.Join(
		c.config(lib.SQLITE_DBCONFIG_DEFENSIVE, 1),
		c.config(lib.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0),
		c.exec(fmt.Sprintf("PRAGMA query_only = 1; PRAGMA cell_size_check = 1; PRAGMA cache_size = %d", -viewCache)))
	if rc := lib.Xsqlite3_set_authorizer(c.tls, c.db, function(authorize), 0); rc != lib.SQLITE_OK {
		err = errors.Join(err, c.failure(rc))
	}
	return err
}

// firstLook makes SQLite read the header, and looks whether the image is as long as that says: SQLite would find out
// only when it comes to a page that is missing.
func (c *conn) firstLook(size int64) error {
	pageSize, err := c.number("PRAGMA page_size")
	if err != nil {
		return err
	}
	pages, err := c.number("PRAGMA page_count")
	if err == nil && pages*pageSize != size {
		err = fmt.Errorf("%w: %d bytes, not %d pages of %d", ErrCorrupt, size, pages, pageSize)
	}
	return err
}

// authorize says what SQL may do; SQLite asks as it compiles a statement. Statements that write are let through:
// R*Tree compiles some in order to be read. [View.Query] refuses to run one, and SQLite does (query_only).
func authorize(_ *libc.TLS, _ uintptr, action int32, first, second, _, _ uintptr) int32 {
	switch action {
	case lib.SQLITE_SELECT, lib.SQLITE_READ, lib.SQLITE_FUNCTION, lib.SQLITE_RECURSIVE,
		lib.SQLITE_INSERT, lib.SQLITE_UPDATE, lib.SQLITE_DELETE:
		return lib.SQLITE_OK
	case lib.SQLITE_PRAGMA:
		// With a value most pragmas are settings; some of these are the whole process'.
		if second == 0 || slices.Contains(askingPragmas(), strings.ToLower(libc.GoString(first))) {
			return lib.SQLITE_OK
		}
	}
	return lib.SQLITE_DENY
}

// askingPragmas are those whose value says what they shall tell about.
func askingPragmas() []string {
	return []string{
		"table_info", "table_xinfo", "table_list", "index_info", "index_xinfo", "index_list",
		"foreign_key_list", "foreign_key_check", "integrity_check", "quick_check",
	}
}

// Query runs one statement that only reads. It calls head once with the names of the columns, before the first row and
// if there is none, and row for each row, until one of them returns an error, which it returns as it is. The slice
// of values is the same each time; its elements are nil, int64, float64, string or []byte, and the callee's to keep.
//
// The error matches [ErrSQL] or [ErrReadOnly] if the SQL is to blame, also for what is none or more than one
// statement; [ErrCorrupt] if the database is malformed; and the image's error if that could not be read, which the
// next query tries again. Rows that came before an error are right.
func (v *View) Query(sql string, head func(columns []string) error, row func(values []any) error) error {
	s, err := v.conn.prepareOne(sql)
	if err != nil {
		return blame(err)
	}
	defer s.finalize()
	if !s.readOnly() {
		return ErrReadOnly
	}
	if err := head(s.columns()); err != nil {
		return err
	}
	values := make([]any, s.width())
	for {
		more, err := s.step()
		if err != nil || !more {
			return blame(err)
		}
		for i := range values {
			values[i] = s.value(int32(i))
		}
		if err := row(values); err != nil {
			return err
		}
	}
}

// prepareOne compiles text that is one statement.
func (c *conn) prepareOne(sql string) (*stmt, error) {
	if strings.Contains(sql, "\x00") {
		return nil, fmt.Errorf("%w: there is a zero byte in it", ErrSQL)
	}
	var only *stmt
	for rest := sql; rest != ""; {
		s, after, err := c.prepareNext(rest)
		if err == nil && s != nil && only != nil {
			s.finalize()
			err = fmt.Errorf("%w: more than one statement, the second is %q", ErrSQL, strings.TrimSpace(rest[:len(rest)-len(after)]))
		}
		if err != nil {
			if only != nil {
				only.finalize()
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

// blame tells errors that are the SQL's from those of the image.
func blame(err error) error {
	f, ok := errors.AsType[*failure](err)
	if !ok {
		return err
	}
	switch f.code & 0xff {
	case lib.SQLITE_READONLY, lib.SQLITE_AUTH:
		f.kind = ErrReadOnly
	case lib.SQLITE_ERROR, lib.SQLITE_TOOBIG, lib.SQLITE_MISMATCH, lib.SQLITE_CONSTRAINT, lib.SQLITE_RANGE, lib.SQLITE_MISUSE:
		f.kind = ErrSQL
	}
	return err
}

// Close closes the database. The image is the caller's.
func (v *View) Close() error {
	if err := errors.Join(v.conn.close(), v.fs.unmount()); err != nil {
		return fmt.Errorf("close image: %w", err)
	}
	return nil
}
