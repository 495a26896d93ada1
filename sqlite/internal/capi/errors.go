package capi

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"syscall"

	lib "modernc.org/sqlite/lib"
)

// The kinds of errors that SQLite reports. A missing file is fs.ErrNotExist, and a file that may not be read or written
// is fs.ErrPermission.
var (
	// ErrNotDatabase is returned for a file that is no SQLite database, or an encrypted one.
	ErrNotDatabase = errors.New("not an SQLite database, or an encrypted one (SQLite cannot tell these apart)")
	// ErrCorrupt is returned when SQLite finds the database malformed.
	ErrCorrupt = errors.New("database is corrupt")
	// ErrUnparsed is returned when this version of SQLite cannot parse a definition in the schema. Another version may
	// have made it: the database is not damaged.
	ErrUnparsed = errors.New("SQLite " + lib.SQLITE_VERSION + " cannot parse a definition that another version may have made")
	// ErrBusy is returned when the database is locked.
	ErrBusy = errors.New("database is locked, by a long transaction or by locking_mode=EXCLUSIVE")
	// ErrNoSpace is returned when the disk is full.
	ErrNoSpace = errors.New("not enough free disk space")
	// ErrIO is returned when the disk or its file system fails: nothing is known of the database then.
	ErrIO = errors.New("the disk or its file system failed")
)

// Failure is an error of the SQLite library.
type Failure struct {
	Code    int32 // extended result code
	Message string
	Kind    error // the sentinel that the code stands for, or nil
}

// Primary result codes, see [Failure.Primary].
const (
	Error      = lib.SQLITE_ERROR
	NotWritten = lib.SQLITE_READONLY
	CannotOpen = lib.SQLITE_CANTOPEN
	TooBig     = lib.SQLITE_TOOBIG
	Constraint = lib.SQLITE_CONSTRAINT
	Mismatch   = lib.SQLITE_MISMATCH
	Misuse     = lib.SQLITE_MISUSE
	Denied     = lib.SQLITE_AUTH
	OutOfRange = lib.SQLITE_RANGE
)

func newFailure(code int32, message string, errno syscall.Errno) *Failure {
	switch code { // for these SQLite's own words say what failed, not why
	case lib.SQLITE_READONLY_DIRECTORY:
		message = "the folder may not be written, where SQLite must create a file: " +
			"to lock a WAL database that no application has open, or to change a database"
	case lib.SQLITE_READONLY_ROLLBACK:
		message = "a crash left a transaction that must be rolled back first, by a user who may write the database"
	case lib.SQLITE_IOERR_DELETE:
		message = "the journal of a transaction that a crash left was rolled back, and may not be removed"
	}
	if code&0xff == lib.SQLITE_CORRUPT && unparsed().MatchString(message) {
		return &Failure{code, unparsed().ReplaceAllString(message, "$1: $2"), ErrUnparsed}
	}
	return &Failure{code, message, kind(code, errno)}
}

// unparsed matches the message about a definition with a number that SQLite cannot parse, and captures the definition's
// name and the reason. Versions of SQLite differ in numbers: old versions take 0x1FOR for 0x1F OR. Any other text that
// SQLite cannot parse is more likely damage.
func unparsed() *regexp.Regexp {
	return regexp.MustCompile(`(?s)^malformed database schema \((.*)\) - (unrecognized token: "\.?[0-9]\w*")$`)
}

// Error says what the code means to the user, then what SQLite says.
func (f *Failure) Error() string {
	if f.Kind == nil {
		return fmt.Sprintf("%s (SQLite code %d)", f.Message, f.Code)
	}
	return fmt.Sprintf("%v: %s (SQLite code %d)", f.Kind, f.Message, f.Code)
}

// Unwrap returns the sentinel.
func (f *Failure) Unwrap() error { return f.Kind }

// Primary returns the result code without its detail.
func (f *Failure) Primary() int32 { return f.Code & 0xff }

func kind(code int32, errno syscall.Errno) error {
	switch code & 0xff { // the primary code; the rest is the detail
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED, lib.SQLITE_PROTOCOL:
		return ErrBusy
	case lib.SQLITE_NOTADB:
		return ErrNotDatabase
	case lib.SQLITE_CORRUPT:
		return ErrCorrupt
	case lib.SQLITE_FULL:
		return ErrNoSpace
	case lib.SQLITE_READONLY, lib.SQLITE_PERM:
		return fs.ErrPermission
	case lib.SQLITE_INTERRUPT:
		return context.Canceled
	case lib.SQLITE_CANTOPEN:
		return osKind(errno)
	case lib.SQLITE_IOERR:
		if code == lib.SQLITE_IOERR_NOMEM {
			return nil
		}
		if kind := osKind(errno); kind != nil && kind != fs.ErrNotExist { // SQLite names an earlier call's, sometimes
			return kind
		}
		return ErrIO
	}
	return nil
}

// osKind returns the sentinel for an error of the operating system.
func osKind(errno syscall.Errno) error {
	if errno == syscall.ENOSPC || errno == syscall.EDQUOT {
		return ErrNoSpace
	}
	for _, sentinel := range []error{fs.ErrPermission, fs.ErrNotExist} {
		if errno.Is(sentinel) {
			return sentinel
		}
	}
	return nil
}
