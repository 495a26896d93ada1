package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
)

// maxMessages is how many findings [Check] reports.
const maxMessages = 20

// IntegrityError says what [Check] found. It matches [ErrCorrupt].
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

// Check runs SQLite's integrity_check and foreign_key_check on a private file that nobody writes: an image, not a
// live database, because a journal or WAL beside the file is ignored. It creates and changes nothing. What it finds
// is an *[IntegrityError]; other errors mean that it could not look.
func Check(ctx context.Context, path string) error {
	messages, err := check(ctx, path)
	if errors.Is(err, ErrCorrupt) { // too damaged to be checked
		messages, err = append(messages, err.Error()), nil
	}
	if err != nil {
		return fmt.Errorf("check %s: %w", path, err)
	}
	if len(messages) == 0 {
		return nil
	}
	return &IntegrityError{path, messages[:min(len(messages), maxMessages)]}
}

func check(ctx context.Context, path string) (messages []string, err error) {
	if _, _, err := resolve(path); err != nil {
		return nil, err
	}
	c, err := openImmutable(ctx, path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if err := c.whole(path); err != nil {
		return nil, err
	}
	err = c.rows(fmt.Sprintf("PRAGMA integrity_check(%d)", maxMessages), func(s *stmt) {
		if text := s.string(0); text != "ok" {
			messages = append(messages, text)
		}
	})
	if err != nil {
		return messages, err
	}
	// In a subquery of its own, because the pragma has no limit.
	query := fmt.Sprintf(`SELECT "table", rowid, parent FROM pragma_foreign_key_check LIMIT %d`, maxMessages)
	err = c.rows(query, func(s *stmt) {
		messages = append(messages, fmt.Sprintf("row %s of table %s refers to a missing row of table %s",
			rowName(s, 1), s.string(0), s.string(2)))
	})
	return messages, err
}

// rowName returns a rowid, which tables WITHOUT ROWID do not have.
func rowName(s *stmt, column int32) string {
	if s.null(column) {
		return "(without rowid)"
	}
	return fmt.Sprint(s.number(column))
}

// whole reports a file that is not as long as its pages: integrity_check does not look at bytes it has no use for.
func (c *conn) whole(path string) error {
	info, err := c.info()
	if err != nil {
		return err
	}
	file, err := os.Stat(path)
	if err == nil && file.Size() != info.Size {
		err = fmt.Errorf("%w: %d bytes, not %d pages of %d", ErrCorrupt, file.Size(), info.PageCount, info.PageSize)
	}
	return err
}
