package sqlite

import (
	"fmt"
	"strings"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// ScriptError says where a script of SQL statements failed.
type ScriptError struct {
	Line int // on which the statement begins, from 1
	Err  error
}

// Error names the line.
func (e *ScriptError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap returns what SQLite said.
func (e *ScriptError) Unwrap() error { return e.Err }

// script runs statements one after the other and drops their rows. It ends at the first that fails, with a
// *ScriptError, and does not undo those before it.
func (c *conn) script(sql string) error {
	z, err := libc.CString(sql)
	if err != nil {
		return err
	}
	defer libc.Xfree(c.tls, z)
	for at := z; ; {
		s, next, err := c.prepareAt(at)
		if err == nil && s.handle != 0 {
			err = s.drain()
		}
		if err != nil {
			return &ScriptError{1 + strings.Count(sql[:begin(sql, int(at-z))], "\n"), err}
		}
		if at = next; at == z+uintptr(len(sql)) {
			return nil
		}
	}
}

// prepareAt compiles the statement at an address, which is none in white space and comments, and returns the address
// after it.
func (c *conn) prepareAt(at uintptr) (s *stmt, next uintptr, err error) {
	out := c.tls.Alloc(2 * 8)
	defer c.tls.Free(2 * 8)
	if rc := lib.Xsqlite3_prepare_v2(c.tls, c.db, at, -1, out, out+8); rc != lib.SQLITE_OK {
		return nil, 0, c.failure(rc)
	}
	return &stmt{c, *(*uintptr)(pointer(out))}, *(*uintptr)(pointer(out + 8)), nil
}

// drain steps over all rows and ends the statement.
func (s *stmt) drain() error {
	defer s.finalize()
	for {
		if s.conn.ctx.Err() != nil { // an interrupt between two statements is lost
			return s.conn.ctx.Err()
		}
		row, err := s.step()
		if err != nil || !row {
			return err
		}
	}
}

// begin returns where the statement begins that SQLite took up at an offset: white space comes before it.
func begin(sql string, at int) int {
	return len(sql) - len(strings.TrimLeft(sql[at:], " \t\r\n\f"))
}
