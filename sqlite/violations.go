package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"firn/sqlite/internal/capi"
)

// maxRowText is how many characters of a row are shown.
const maxRowText = 200

// Violations runs SQL on a private file that is not written meanwhile, as [Check] does, and returns the rows of all
// statements as text, the values separated by |. Each row is a violation of the caller's rules. Of more than 20 rows
// it returns the first 20, and a last line that says so. The file cannot be changed. An error matches
// *[StatementError] if the SQL is to blame, and [ErrCorrupt] if the database is.
func Violations(ctx context.Context, path, sql string) (rows []string, err error) {
	var found violations
	file, err := openPrivate(ctx, path)
	if err == nil {
		defer func() { err = errors.Join(err, file.close()) }()
		err = file.judge(runScript(file.conn, sql, found.add))
	}
	if err != nil {
		return nil, fmt.Errorf("query %s: %w", path, err)
	}
	return found, nil
}

// Violations runs SQL on the view, and returns what the function of that name does. SQL that a view refuses, such as a
// setting or a temporary table, is a *[StatementError] that matches [ErrReadOnly]: a file may take it.
func (v *View) Violations(sql string) ([]string, error) {
	var found violations
	if err := runScript(v.conn, sql, found.add); err != nil {
		return nil, blame(err)
	}
	return found, nil
}

// violations are rows as text.
type violations []string

// add adds a row, and reports whether more are wanted.
func (v *violations) add(s *capi.Stmt) bool {
	if len(*v) == maxMessages {
		*v = append(*v, "and more")
		return false
	}
	*v = append(*v, rowText(s))
	return true
}

// rowText returns the values of a row for people. Text that is not printable is quoted, because the row goes to
// terminals.
func rowText(s *capi.Stmt) string {
	values := make([]string, s.Width())
	for i := range values {
		switch v := s.Value(int32(i)).(type) {
		case nil:
			values[i] = "NULL"
		case []byte:
			values[i] = fmt.Sprintf("x'%x'", v[:min(len(v), maxRowText)])
		case string:
			values[i] = printable(v[:min(len(v), 4*maxRowText)])
		default:
			values[i] = fmt.Sprint(v)
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
