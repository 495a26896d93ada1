package sqlite

import (
	"context"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// stmt is a prepared statement. It must be finalized before its connection is closed.
type stmt struct {
	conn   *conn
	handle uintptr
}

func (c *conn) prepare(sql string) (*stmt, error) {
	s, _, err := c.prepareNext(sql)
	return s, err
}

// prepareNext compiles the first statement of a text and returns what follows it. There is none, and no error, in a
// comment or in blanks.
func (c *conn) prepareNext(sql string) (s *stmt, rest string, err error) {
	if c.ctx.Err() != nil { // an interrupt between two statements is lost
		return nil, "", context.Cause(c.ctx)
	}
	c.image.forget()
	z, err := libc.CString(sql)
	if err != nil {
		return nil, "", err
	}
	defer libc.Xfree(c.tls, z)
	out := c.tls.Alloc(2 * 8)
	defer c.tls.Free(2 * 8)
	if rc := lib.Xsqlite3_prepare_v2(c.tls, c.db, z, -1, out, out+8); rc != lib.SQLITE_OK {
		return nil, "", c.failure(rc)
	}
	rest = sql[*(*uintptr)(pointer(out + 8))-z:]
	if handle := *(*uintptr)(pointer(out)); handle != 0 {
		s = &stmt{c, handle}
	}
	return s, rest, nil
}

// step reports whether there is a row.
func (s *stmt) step() (bool, error) {
	s.conn.alive()
	switch rc := lib.Xsqlite3_step(s.conn.tls, s.handle); rc {
	case lib.SQLITE_ROW:
		return true, nil
	case lib.SQLITE_DONE:
		return false, s.conn.image.failed()
	default:
		return false, s.conn.failure(rc)
	}
}

// run executes a statement without rows, and makes it ready for the next time.
func (s *stmt) run() error {
	_, err := s.step()
	lib.Xsqlite3_reset(s.conn.tls, s.handle) // repeats the error of step
	return err
}

// reset makes the statement ready to be stepped again.
func (s *stmt) reset() { lib.Xsqlite3_reset(s.conn.tls, s.handle) }

// finalize frees the statement. Its error was returned by step before.
func (s *stmt) finalize() { lib.Xsqlite3_finalize(s.conn.tls, s.handle) }

func (s *stmt) number(column int32) int64 {
	return lib.Xsqlite3_column_int64(s.conn.tls, s.handle, column)
}

// null reports whether the value is NULL.
func (s *stmt) null(column int32) bool {
	return lib.Xsqlite3_column_type(s.conn.tls, s.handle, column) == lib.SQLITE_NULL
}

// bytes returns a blob or text without copying: it is valid until the next step, reset or finalize.
func (s *stmt) bytes(column int32) []byte {
	p := lib.Xsqlite3_column_blob(s.conn.tls, s.handle, column)
	n := lib.Xsqlite3_column_bytes(s.conn.tls, s.handle, column)
	if p == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(pointer(p)), int(n))
}

// readOnly reports whether the statement changes no database.
func (s *stmt) readOnly() bool { return lib.Xsqlite3_stmt_readonly(s.conn.tls, s.handle) != 0 }

// width returns the number of columns.
func (s *stmt) width() int { return int(lib.Xsqlite3_column_count(s.conn.tls, s.handle)) }

// columns returns their names.
func (s *stmt) columns() []string {
	names := make([]string, s.width())
	for i := range names {
		names[i] = libc.GoString(lib.Xsqlite3_column_name(s.conn.tls, s.handle, int32(i)))
	}
	return names
}

// value returns a copy of a value: nil, int64, float64, string or []byte.
func (s *stmt) value(column int32) any {
	switch s.kind(column) {
	case lib.SQLITE_INTEGER:
		return s.number(column)
	case lib.SQLITE_FLOAT:
		return s.real(column)
	case lib.SQLITE_TEXT:
		return s.string(column)
	case lib.SQLITE_BLOB:
		return append([]byte{}, s.bytes(column)...)
	}
	return nil
}

// string returns a value as text in UTF-8, whatever the database has it in.
func (s *stmt) string(column int32) string {
	p := lib.Xsqlite3_column_text(s.conn.tls, s.handle, column)
	n := lib.Xsqlite3_column_bytes(s.conn.tls, s.handle, column)
	if p == 0 {
		return ""
	}
	return string(unsafe.Slice((*byte)(pointer(p)), int(n)))
}

// kind returns the type of a value: lib.SQLITE_INTEGER and so on.
func (s *stmt) kind(column int32) int32 {
	return lib.Xsqlite3_column_type(s.conn.tls, s.handle, column)
}

func (s *stmt) real(column int32) float64 {
	return lib.Xsqlite3_column_double(s.conn.tls, s.handle, column)
}

func (s *stmt) bindNumber(index int32, n int64) error {
	return s.bound(lib.Xsqlite3_bind_int64(s.conn.tls, s.handle, index, n))
}

func (s *stmt) bindNull(index int32) error {
	return s.bound(lib.Xsqlite3_bind_null(s.conn.tls, s.handle, index))
}

// bindBytes binds memory of [conn.alloc], not copied: it must stay until the statement was run.
func (s *stmt) bindBytes(index int32, b []byte) error {
	return s.bound(lib.Xsqlite3_bind_blob(s.conn.tls, s.handle, index, address(b), int32(len(b)), lib.SQLITE_STATIC))
}

func (s *stmt) bindText(index int32, text string) error {
	z, err := libc.CString(text)
	if err != nil {
		return err
	}
	defer libc.Xfree(s.conn.tls, z)
	const transient = ^uintptr(0) // SQLite makes its own copy
	return s.bound(lib.Xsqlite3_bind_text(s.conn.tls, s.handle, index, z, int32(len(text)), transient))
}

func (s *stmt) bound(rc int32) error {
	if rc != lib.SQLITE_OK {
		return s.conn.failure(rc)
	}
	return nil
}
