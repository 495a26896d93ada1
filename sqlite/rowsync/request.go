// Package rowsync puts single rows of an image back into a live database. It reads the rows of the image first, compares them
// with those of the database, and says what it would change: the plan. Then it makes the plan again under the write lock, and
// changes the database in one transaction if the two plans are the same.
//
// Nothing in either database is trusted. An expression of the caller runs on the image, or on copies of rows in memory, and
// never on the live database.
package rowsync

import (
	"errors"
	"fmt"
	"strings"

	"firn/sqlite"
)

// Mode says which rows are written.
type Mode string

// The modes.
const (
	Insert  Mode = "insert"  // only rows that are missing now
	Update  Mode = "update"  // only rows that are there now
	Upsert  Mode = "upsert"  // both
	Replace Mode = "replace" // both, and rows that the image does not have are deleted
)

// Modes returns all modes.
func Modes() []Mode { return []Mode{Insert, Update, Upsert, Replace} }

// ParseMode returns the mode with a name. The empty name is that of [Insert].
func ParseMode(name string) (Mode, error) {
	if name == "" {
		return Insert, nil
	}
	for _, m := range Modes() {
		if name == string(m) {
			return m, nil
		}
	}
	return "", fmt.Errorf("%q is no mode: insert, update, upsert and replace are", name)
}

// Request says which rows of an image are wanted.
type Request struct {
	Table    string
	Where    string // one expression over the columns of the table; "" for all rows
	Args     []any  // the values of the expression's parameters, as [sqlite.View.Open] takes them
	Mode     Mode   // "" for [Insert]
	Parents  bool   // take missing rows along to which wanted rows refer
	Children bool   // take rows along that refer to rows that come back or go
	Triggers bool   // let the triggers of the database run
}

// Refusal is the error of a request that cannot be done. Nothing was written.
type Refusal struct {
	Reason string
	Advice string // what a person can do; "" for nothing
}

// Error returns the reason.
func (r *Refusal) Error() string { return r.Reason }

// refuse returns a [Refusal].
func refuse(advice, format string, args ...any) error {
	return &Refusal{fmt.Sprintf(format, args...), advice}
}

// ErrChanged is returned when the rows of the database are not those of the plan any more. Nothing was written.
var ErrChanged = errors.New("rows of the database have changed since they were compared")

// errWhere is returned for a text that is not one expression.
var errWhere = fmt.Errorf("the condition: %w: not one expression", sqlite.ErrSQL)

// checkExpression returns an error for a text that could end the parentheses in which it is put, or its statement. The error
// matches [sqlite.ErrSQL].
func checkExpression(text string) error {
	depth := 0
	for rest := text; rest != ""; {
		switch c := rest[0]; {
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ';' || c == 0:
			return fmt.Errorf("%w: it holds %q", errWhere, c)
		}
		if depth < 0 {
			return fmt.Errorf("%w: a parenthesis is closed that was not opened", errWhere)
		}
		rest = rest[tokenLength(rest):]
	}
	if depth > 0 {
		return fmt.Errorf("%w: a parenthesis is not closed", errWhere)
	}
	if strings.TrimSpace(text) == "" {
		return fmt.Errorf("%w: it is empty", errWhere)
	}
	return nil
}

// tokenLength returns the length of the quoted text or of the comment that a text begins with, and 1 for anything else. What is
// not closed goes to the end, where SQLite refuses it.
func tokenLength(text string) int {
	closed := func(begin, end string) int {
		if i := strings.Index(text[len(begin):], end); i >= 0 {
			return len(begin) + i + len(end)
		}
		return len(text)
	}
	switch {
	case strings.HasPrefix(text, "--"):
		return closed("--", "\n")
	case strings.HasPrefix(text, "/*"):
		return closed("/*", "*/")
	case text[0] == '[':
		return closed("[", "]")
	case strings.ContainsRune("'\"`", rune(text[0])): // a doubled quote is the end of one text and the beginning of the next
		return closed(text[:1], text[:1])
	}
	return 1
}

// condition returns a WHERE clause for an expression, "" for none. The expression may end with a comment.
func condition(where string) string {
	if where == "" {
		return ""
	}
	return " WHERE (" + where + "\n)"
}
