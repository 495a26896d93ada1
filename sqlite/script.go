package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// maxSQLText is how many characters of a statement are shown.
const maxSQLText = 60

// StatementError is SQL that SQLite refuses: it is wrong, does not fit the database, or may not change it.
type StatementError struct {
	Line int    // of the script on which the statement begins, from 1
	SQL  string // from the statement on
	Err  error
}

// Error shows the beginning of the statement.
func (e *StatementError) Error() string {
	return fmt.Sprintf("SQL %q: %v", cut(strings.Join(strings.Fields(e.SQL), " "), maxSQLText), e.Err)
}

// Unwrap returns what SQLite says.
func (e *StatementError) Unwrap() error { return e.Err }

// script runs statements one after the other and calls row for every row, until it returns false. The first that fails
// ends it, and what those before it did is not undone. The error is a *StatementError if the SQL is to blame.
func (c *conn) script(sql string, row func(*stmt) bool) error {
	if strings.ContainsRune(sql, 0) { // what follows would be left out
		return &StatementError{1, sql, errors.New("it holds a zero byte")}
	}
	z, err := libc.CString(sql)
	if err != nil {
		return err
	}
	defer libc.Xfree(c.tls, z)
	for at := 0; at < len(sql); {
		if c.ctx.Err() != nil { // an interrupt between two statements is lost
			return context.Cause(c.ctx)
		}
		more, next, err := c.statement(z+uintptr(at), row)
		if err != nil && refused(err) {
			start := len(sql) - len(strings.TrimLeft(sql[at:], " \t\r\n\f"))
			return &StatementError{1 + strings.Count(sql[:start], "\n"), sql[start:], err}
		}
		if err != nil || !more {
			return err
		}
		at = int(next - z)
	}
	return nil
}

// statement runs the first statement of the text at an address and returns where the next one begins.
func (c *conn) statement(z uintptr, row func(*stmt) bool) (more bool, next uintptr, err error) {
	out := c.tls.Alloc(2 * 8)
	defer c.tls.Free(2 * 8)
	rc := lib.Xsqlite3_prepare_v2(c.tls, c.db, z, -1, out, out+8)
	if rc != lib.SQLITE_OK {
		return false, z, c.failure(rc)
	}
	s, next := &stmt{c, *(*uintptr)(pointer(out))}, *(*uintptr)(pointer(out + 8))
	if s.handle == 0 { // white space, or a comment
		return true, next, nil
	}
	defer s.finalize()
	for {
		found, err := s.step()
		if err != nil || !found {
			return err == nil, next, err
		}
		if !row(s) {
			return false, next, nil
		}
	}
}

// refused reports whether an error is about a statement, and not about the database or the machine.
func refused(err error) bool {
	f, ok := errors.AsType[*failure](err)
	if !ok {
		return false
	}
	switch f.code & 0xff {
	case lib.SQLITE_ERROR, lib.SQLITE_READONLY, lib.SQLITE_AUTH, lib.SQLITE_TOOBIG, lib.SQLITE_CONSTRAINT,
		lib.SQLITE_MISMATCH, lib.SQLITE_RANGE, lib.SQLITE_CANTOPEN:
		return true
	}
	return false
}
