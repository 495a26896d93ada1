package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"firn/sqlite/internal/capi"
)

// maxMessages is how many findings [Check] reports.
const maxMessages = 20

// IntegrityError lists the findings of [Check]. It matches [ErrCorrupt].
type IntegrityError struct {
	Path     string
	Messages []string // at least one, at most 20
}

// Error lists all findings.
func (e *IntegrityError) Error() string {
	return fmt.Sprintf("integrity of %s: %s", e.Path, strings.Join(e.Messages, "; "))
}

// Unwrap returns [ErrCorrupt].
func (e *IntegrityError) Unwrap() error { return ErrCorrupt }

// UncheckedError lists what [Check] could not look at, because only the application's SQLite has something that it
// takes, such as a collation or a tokenizer, or because this version of SQLite cannot parse a definition. The rest is
// sound.
type UncheckedError struct {
	Messages []string // at least one
}

// Error lists all messages.
func (e *UncheckedError) Error() string {
	return "not everything could be checked: " + strings.Join(e.Messages, "; ")
}

// Check runs SQLite's integrity_check and foreign_key_check on a private file that is not written meanwhile: an
// image, not a live database, because a journal or WAL beside the file is ignored. It creates and changes nothing.
// Its findings are an *[IntegrityError]. Parts that it cannot look at are an *[UncheckedError]. After other errors, such as
// [ErrIO], nothing is known. CHECK constraints are not looked at, as SQLite does for a file that is only read.
func Check(ctx context.Context, path string) error {
	l := look{path: path}
	err := l.run(ctx)
	if errors.Is(err, ErrCorrupt) { // too damaged to be checked
		l.found, err = append(l.found, err.Error()), nil
	}
	switch {
	case err != nil:
		return fmt.Errorf("check %s: %w", path, err)
	case len(l.found) > 0:
		return &IntegrityError{path, l.found[:min(len(l.found), maxMessages)]}
	case len(l.missed) > 0:
		return &UncheckedError{l.missed[:min(len(l.missed), maxMessages)]}
	}
	return nil
}

// look is one run of [Check].
type look struct {
	path          string
	conn          *capi.Conn
	found, missed []string // findings, and what could not be looked at
}

func (l *look) run(ctx context.Context) (err error) {
	file, err := openPrivate(ctx, l.path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.close()) }()
	l.conn = file.conn
	err = checkLength(l.conn, l.path)
	switch {
	case err != nil:
	case file.unparsed != nil: // pages of what SQLite passes over would count as lost
		l.missed = append(l.missed, file.unparsed.Error())
		err = l.integrityByTable()
	default:
		err = l.integrity()
	}
	if err == nil {
		err = l.foreignKeys()
	}
	return file.judge(err)
}

// integrity looks at the whole file at once. If SQLite refuses that for the sake of one table, integrity looks at the
// tables one by one.
func (l *look) integrity() error {
	err := l.conn.Rows(fmt.Sprintf("PRAGMA integrity_check(%d)", maxMessages), l.integrityRow)
	if !cannotLook(err) {
		return err
	}
	before := len(l.missed)
	if err := l.integrityByTable(); err != nil {
		return err
	}
	if len(l.missed) == before { // the error is about no table
		return l.miss("", err)
	}
	return nil
}

func (l *look) integrityByTable() error {
	tables, err := tablesOf(l.conn)
	if err != nil {
		return err
	}
	for _, t := range tables {
		if err := l.miss("table "+t.name+": ", l.conn.Rows(fmt.Sprintf("PRAGMA integrity_check(%s)", capi.Quote(t.name)), l.integrityRow)); err != nil {
			return err
		}
	}
	return nil
}

func (l *look) integrityRow(s *capi.Stmt) {
	if text := s.Text(0); text != "ok" {
		l.found = append(l.found, text)
	}
}

// foreignKeys looks at one table after the other: a definition that does not fit must not keep it from the other
// tables.
func (l *look) foreignKeys() error {
	tables, err := tablesOf(l.conn)
	if err != nil {
		return err
	}
	for _, t := range tables {
		if err := l.missingParents(t.name); err != nil {
			return err
		}
		// In a query of its own, because the pragma has no limit.
		query := fmt.Sprintf(`SELECT rowid, parent FROM pragma_foreign_key_check(%s) WHERE %s LIMIT %d`, capi.Quote(t.name), isTable("parent"), maxMessages)
		err := l.miss("foreign keys of table "+t.name+": ", l.conn.Rows(query, func(s *capi.Stmt) {
			l.found = append(l.found, fmt.Sprintf("row %s of table %s refers to a missing row of table %s",
				rowName(s, 0), t.name, s.Text(1)))
		}))
		if err != nil {
			return err
		}
	}
	return nil
}

// missingParents notes keys that refer to missing tables. SQLite would report every row that has such a key, but a
// row that can be compared with nothing is not known to be wrong.
func (l *look) missingParents(table string) error {
	query := fmt.Sprintf(`SELECT DISTINCT "table" FROM pragma_foreign_key_list(%s) WHERE NOT %s`, capi.Quote(table), isTable(`"table"`))
	return l.conn.Rows(query, func(s *capi.Stmt) {
		l.missed = append(l.missed, fmt.Sprintf("foreign keys of table %s: there is no table %s", table, s.Text(0)))
	})
}

// isTable returns SQL that tells whether there is a table of a name.
func isTable(name string) string {
	return "EXISTS (SELECT 1 FROM sqlite_schema AS s WHERE s.type = 'table' AND s.name = " + name + " COLLATE NOCASE)"
}

// miss notes an error that only says that something could not be looked at, and returns any other error.
func (l *look) miss(what string, err error) error {
	if !cannotLook(err) {
		return err
	}
	l.missed = append(l.missed, what+err.Error())
	return nil
}

// cannotLook reports whether an error is about what the statement needs. Other errors, even of temporary files, are
// about the machine, and no finding.
func cannotLook(err error) bool {
	failed, ok := errors.AsType[*capi.Failure](err)
	return ok && failed.Primary() == capi.Error
}

// rowName returns the rowid of a row for a message. Tables WITHOUT ROWID have no rowids.
func rowName(s *capi.Stmt, column int32) string {
	if s.Null(column) {
		return "(without rowid)"
	}
	return fmt.Sprint(s.Number(column))
}

// checkLength reports a file that is not as long as its pages: integrity_check does not look at bytes that belong to
// no page.
func checkLength(c *capi.Conn, path string) error {
	info, err := infoOf(c)
	if err != nil {
		return err
	}
	file, err := os.Stat(path)
	if err == nil && file.Size() != info.Size {
		err = fmt.Errorf("%w: %d bytes, not %d pages of %d", ErrCorrupt, file.Size(), info.PageCount, info.PageSize)
	}
	return err
}
