package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"firn/sqlite/inspect"
	"firn/sqlite/internal/source"
)

// maxMessages is how many findings [Check] reports.
const maxMessages = inspect.Most

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
// [ErrIO], nothing is known.
func Check(ctx context.Context, path string) error { return checkFile(ctx, path, true) }

// CheckIntegrity is [Check] without foreign keys.
func CheckIntegrity(ctx context.Context, path string) error { return checkFile(ctx, path, false) }

func checkFile(ctx context.Context, path string, foreignKeys bool) error {
	found, missed, err := look(ctx, path, foreignKeys)
	if errors.Is(err, ErrCorrupt) { // too damaged to be checked
		found, err = append(found, err.Error()), nil
	}
	switch {
	case err != nil:
		return fmt.Errorf("check %s: %w", path, err)
	case len(found) > 0:
		return &IntegrityError{path, found[:min(len(found), maxMessages)]}
	case len(missed) > 0:
		return &UncheckedError{missed[:min(len(missed), maxMessages)]}
	}
	return nil
}

// look returns what is wrong with a database, and what could not be looked at.
func look(ctx context.Context, path string, foreignKeys bool) (found, missed []string, err error) {
	path, info, err := source.Resolve(path)
	if err != nil {
		return nil, nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	i, err := inspect.Open(ctx, f, info.Size())
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, i.Close()) }()
	if err = checkLength(i, info.Size()); err == nil {
		err = i.Integrity()
	}
	if err == nil && foreignKeys {
		err = i.ForeignKeys()
	}
	err = i.Judge(err)
	return i.Found, i.Missed, err
}

// checkLength reports a file that is not as long as its pages: integrity_check does not look at bytes that belong to
// no page.
func checkLength(i *inspect.Inspection, size int64) error {
	pages, err := i.Size()
	if err == nil && pages != size {
		err = fmt.Errorf("%w: %d bytes, not %d of its pages", ErrCorrupt, size, pages)
	}
	return err
}
