package sqlite

import (
	"errors"
	"fmt"
	"strings"

	"firn/sqlite/internal/capi"
)

// maxSQLText is how many characters of a statement are shown.
const maxSQLText = 60

// StatementError is SQL that SQLite refuses: the SQL is wrong, does not fit the database, or may not change it.
type StatementError struct {
	Line int    // of the script on which the statement begins, from 1
	SQL  string // of the script, from the statement on
	Err  error
}

// Error shows the beginning of the statement.
func (e *StatementError) Error() string {
	return fmt.Sprintf("SQL %q: %v", cut(strings.Join(strings.Fields(e.SQL), " "), maxSQLText), e.Err)
}

// Unwrap returns SQLite's error.
func (e *StatementError) Unwrap() error { return e.Err }

// errNoStatement is the cause in a StatementError for a script that does nothing.
var errNoStatement = errors.New("there is no statement")

// runScript runs statements one after the other, at least one, and calls row for every row, until it returns false.
// The first statement that fails ends the script, and the effects of earlier statements are not undone. The error is
// a *StatementError if the SQL is to blame.
func runScript(c *capi.Conn, sql string, row func(*capi.Stmt) bool) error {
	if strings.ContainsRune(sql, 0) { // SQLite would leave out the rest
		return &StatementError{1, sql, errors.New("the script holds a zero byte")}
	}
	none := true
	for rest := sql; rest != ""; {
		s, next, err := c.PrepareNext(rest)
		more := true
		if err == nil && s != nil { // neither blanks nor a comment
			none = false
			more, err = each(s, row)
		}
		if err != nil && refused(err) {
			from := strings.TrimLeft(rest, " \t\r\n\f")
			return &StatementError{1 + strings.Count(sql[:len(sql)-len(from)], "\n"), from, err}
		}
		if err != nil || !more {
			return err
		}
		rest = next
	}
	if none {
		return &StatementError{1, sql, errNoStatement}
	}
	return nil
}

// each calls f for every row, until it returns false, and ends the statement.
func each(s *capi.Stmt, f func(*capi.Stmt) bool) (more bool, err error) {
	defer s.Finalize()
	for {
		found, err := s.Step()
		if err != nil || !found {
			return err == nil, err
		}
		if !f(s) {
			return false, nil
		}
	}
}

// refused reports whether an error is about a statement, and not about the database or the machine.
func refused(err error) bool {
	f, ok := errors.AsType[*capi.Failure](err)
	if !ok {
		return false
	}
	switch f.Primary() {
	case capi.Error, capi.NotWritten, capi.Denied, capi.TooBig, capi.Constraint,
		capi.Mismatch, capi.OutOfRange, capi.CannotOpen:
		return true
	}
	return false
}
