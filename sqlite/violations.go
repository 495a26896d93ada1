package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

const (
	maxRowText = 200 // characters of a row that are shown
	maxSQLText = 60  // and of a statement
)

// StatementError is SQL that SQLite refuses: it is wrong, does not fit the database, or wants to change it.
type StatementError struct {
	SQL string // from the statement on
	Err error
}

// Error shows the beginning of the statement.
func (e *StatementError) Error() string {
	return fmt.Sprintf("SQL %q: %v", cut(strings.Join(strings.Fields(e.SQL), " "), maxSQLText), e.Err)
}

// Unwrap returns what SQLite says.
func (e *StatementError) Unwrap() error { return e.Err }

// Violations runs SQL on a private file that nobody writes, as [Check] does, and returns the rows of all statements as
// text, the values separated by |: each is something that must not be. Of more than 20 rows it returns the first, and
// a last line that says so. The file cannot be changed. An error matches *[StatementError] if the SQL is to blame, and
// [ErrCorrupt] if the database is.
func Violations(ctx context.Context, path, sql string) (rows []string, err error) {
	if _, _, err := resolve(path); err != nil {
		return nil, fmt.Errorf("query %s: %w", path, err)
	}
	c, err := openImmutable(ctx, path)
	if err == nil {
		defer func() { err = errors.Join(err, c.close()) }()
		err = c.script(sql, func(s *stmt) bool {
			if len(rows) == maxMessages {
				rows = append(rows, "and more")
				return false
			}
			rows = append(rows, rowText(s))
			return true
		})
	}
	if err != nil {
		return nil, fmt.Errorf("query %s: %w", path, err)
	}
	return rows, nil
}

// script runs statements one after the other and calls f for every row, until it returns false.
func (c *conn) script(sql string, f func(*stmt) bool) error {
	if strings.ContainsRune(sql, 0) { // what follows would be left out
		return &StatementError{sql, errors.New("it holds a zero byte")}
	}
	z, err := libc.CString(sql)
	if err != nil {
		return err
	}
	defer libc.Xfree(c.tls, z)
	for next := z; *(*byte)(pointer(next)) != 0; {
		if c.ctx.Err() != nil { // an interrupt between two statements is lost
			return context.Cause(c.ctx)
		}
		at := next
		var more bool
		if more, next, err = c.statement(at, f); err != nil && refused(err) {
			return &StatementError{libc.GoString(at), err}
		}
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// statement runs the first statement of the text at an address and returns where the next one begins.
func (c *conn) statement(z uintptr, f func(*stmt) bool) (more bool, next uintptr, err error) {
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
		row, err := s.step()
		if err != nil || !row {
			return err == nil, next, err
		}
		if !f(s) {
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

// rowText returns the values of a row for people. What is not printable is quoted: it goes to terminals.
func rowText(s *stmt) string {
	var values []string
	for i := range lib.Xsqlite3_column_count(s.conn.tls, s.handle) {
		switch lib.Xsqlite3_column_type(s.conn.tls, s.handle, i) {
		case lib.SQLITE_NULL:
			values = append(values, "NULL")
		case lib.SQLITE_BLOB:
			b := s.bytes(i)
			values = append(values, fmt.Sprintf("x'%x'", b[:min(len(b), maxRowText)]))
		default:
			b := s.bytes(i)
			values = append(values, printable(string(b[:min(len(b), 4*maxRowText)])))
		}
	}
	return cut(strings.Join(values, "|"), maxRowText)
}

func printable(text string) string {
	text = strings.ToValidUTF8(text, "\ufffd")
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(text)
	}
	return text
}

// cut shortens a text to some characters.
func cut(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}
