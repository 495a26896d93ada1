package capi

import (
	"context"
	"fmt"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// The types of values.
const (
	Integer = lib.SQLITE_INTEGER
	Float   = lib.SQLITE_FLOAT
	Text    = lib.SQLITE_TEXT
	Blob    = lib.SQLITE_BLOB
	Null    = lib.SQLITE_NULL
)

// Stmt is a prepared statement. It must be finalized before its connection is closed.
type Stmt struct {
	conn   *Conn
	handle uintptr
}

// Prepare compiles the first statement of a text.
func (c *Conn) Prepare(sql string) (*Stmt, error) {
	s, _, err := c.PrepareNext(sql)
	return s, err
}

// PrepareNext compiles the first statement of a text and returns the rest of the text. The statement is nil, without an
// error, in a comment or in blanks.
func (c *Conn) PrepareNext(sql string) (s *Stmt, rest string, err error) {
	if c.ctx.Err() != nil { // SQLite forgets an interrupt between two statements
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
		s = &Stmt{c, handle}
	}
	return s, rest, nil
}

// Context returns the context of the statement's connection.
func (s *Stmt) Context() context.Context { return s.conn.ctx }

// Step runs the statement up to its next row, and reports whether there is a row.
func (s *Stmt) Step() (bool, error) {
	s.conn.Alive()
	switch rc := lib.Xsqlite3_step(s.conn.tls, s.handle); rc {
	case lib.SQLITE_ROW:
		return true, nil
	case lib.SQLITE_DONE:
		return false, s.conn.image.Err()
	default:
		return false, s.conn.failure(rc)
	}
}

// Run executes a statement without rows, and makes it ready for the next time.
func (s *Stmt) Run() error {
	_, err := s.Step()
	lib.Xsqlite3_reset(s.conn.tls, s.handle) // repeats the error of step
	return err
}

// Reset makes the statement ready to be stepped again.
func (s *Stmt) Reset() { lib.Xsqlite3_reset(s.conn.tls, s.handle) }

// Finalize frees the statement. An error that it had was returned by Step before.
func (s *Stmt) Finalize() { lib.Xsqlite3_finalize(s.conn.tls, s.handle) }

// Number returns a value as an integer.
func (s *Stmt) Number(column int32) int64 {
	return lib.Xsqlite3_column_int64(s.conn.tls, s.handle, column)
}

// Null reports whether the value is NULL.
func (s *Stmt) Null(column int32) bool {
	return s.Kind(column) == Null
}

// Bytes returns a blob or text without copying: it is valid until the next Step, Reset or Finalize.
func (s *Stmt) Bytes(column int32) []byte {
	p := lib.Xsqlite3_column_blob(s.conn.tls, s.handle, column)
	n := lib.Xsqlite3_column_bytes(s.conn.tls, s.handle, column)
	if p == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(pointer(p)), int(n))
}

// ReadOnly reports whether the statement changes no database.
func (s *Stmt) ReadOnly() bool { return lib.Xsqlite3_stmt_readonly(s.conn.tls, s.handle) != 0 }

// Width returns the number of columns.
func (s *Stmt) Width() int { return int(lib.Xsqlite3_column_count(s.conn.tls, s.handle)) }

// Columns returns the names of the columns.
func (s *Stmt) Columns() []string {
	names := make([]string, s.Width())
	for i := range names {
		names[i] = libc.GoString(lib.Xsqlite3_column_name(s.conn.tls, s.handle, int32(i)))
	}
	return names
}

// Value returns a copy of a value: nil, int64, float64, string or []byte.
func (s *Stmt) Value(column int32) any {
	switch s.Kind(column) {
	case Integer:
		return s.Number(column)
	case Float:
		return s.Real(column)
	case Text:
		return s.Text(column)
	case Blob:
		return append([]byte{}, s.Bytes(column)...)
	}
	return nil
}

// Text returns a value as text in UTF-8, in whatever encoding the database stores it.
func (s *Stmt) Text(column int32) string {
	p := lib.Xsqlite3_column_text(s.conn.tls, s.handle, column)
	n := lib.Xsqlite3_column_bytes(s.conn.tls, s.handle, column)
	if p == 0 {
		return ""
	}
	return string(unsafe.Slice((*byte)(pointer(p)), int(n)))
}

// Kind returns the type of a value: [Integer] and so on.
func (s *Stmt) Kind(column int32) int32 {
	return lib.Xsqlite3_column_type(s.conn.tls, s.handle, column)
}

// Real returns a value as a floating-point number.
func (s *Stmt) Real(column int32) float64 {
	return lib.Xsqlite3_column_double(s.conn.tls, s.handle, column)
}

// BindNumber sets a parameter of the statement, counted from 1, to an integer.
func (s *Stmt) BindNumber(index int32, n int64) error {
	return s.bound(lib.Xsqlite3_bind_int64(s.conn.tls, s.handle, index, n))
}

// Parameters returns the number of parameters.
func (s *Stmt) Parameters() int { return int(lib.Xsqlite3_bind_parameter_count(s.conn.tls, s.handle)) }

// Parameter returns the name of a parameter, counted from 1, with the character before it, and "" for one without a name.
func (s *Stmt) Parameter(index int) string {
	return libc.GoString(lib.Xsqlite3_bind_parameter_name(s.conn.tls, s.handle, int32(index)))
}

// BindReal sets a parameter to a floating-point number.
func (s *Stmt) BindReal(index int32, f float64) error {
	return s.bound(lib.Xsqlite3_bind_double(s.conn.tls, s.handle, index, f))
}

// maxBlob is more than the longest blob that SQLite takes, SQLITE_MAX_LENGTH, in bytes.
const maxBlob = 1 << 30

// BindBlob sets a parameter to a copy of bytes. They are copied into the library's memory first: its code computes with
// addresses, which Go memory does not allow.
func (s *Stmt) BindBlob(index int32, b []byte) error {
	const transient = ^uintptr(0) // SQLite makes its own copy
	switch {
	case len(b) == 0:
		return s.bound(lib.Xsqlite3_bind_zeroblob(s.conn.tls, s.handle, index, 0))
	case len(b) > maxBlob:
		return s.bound(lib.SQLITE_TOOBIG)
	}
	c := s.conn.Alloc(len(b))
	defer s.conn.Free(c)
	copy(c, b)
	return s.bound(lib.Xsqlite3_bind_blob(s.conn.tls, s.handle, index, address(c), int32(len(c)), transient))
}

// BindNull sets a parameter to NULL.
func (s *Stmt) BindNull(index int32) error {
	return s.bound(lib.Xsqlite3_bind_null(s.conn.tls, s.handle, index))
}

// BindBytes sets a parameter to memory of [Conn.Alloc], without copying: the memory must stay until the statement was run.
func (s *Stmt) BindBytes(index int32, b []byte) error {
	return s.bound(lib.Xsqlite3_bind_blob(s.conn.tls, s.handle, index, address(b), int32(len(b)), lib.SQLITE_STATIC))
}

// BindText sets a parameter to a text.
func (s *Stmt) BindText(index int32, text string) error {
	z, err := libc.CString(text)
	if err != nil {
		return err
	}
	defer libc.Xfree(s.conn.tls, z)
	const transient = ^uintptr(0) // SQLite makes its own copy
	return s.bound(lib.Xsqlite3_bind_text(s.conn.tls, s.handle, index, z, int32(len(text)), transient))
}

// Bind sets a parameter to a value as [Stmt.Value] returns it.
func (s *Stmt) Bind(index int32, value any) error {
	switch v := value.(type) {
	case int64:
		return s.BindNumber(index, v)
	case float64:
		return s.BindReal(index, v)
	case string:
		return s.BindText(index, v)
	case []byte:
		return s.BindBlob(index, v)
	case nil:
		return s.BindNull(index)
	}
	panic(fmt.Sprintf("sqlite: internal error: a parameter of type %T", value))
}

func (s *Stmt) bound(rc int32) error {
	if rc != lib.SQLITE_OK {
		return s.conn.failure(rc)
	}
	return nil
}
