package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	lib "modernc.org/sqlite/lib"
)

// What can be wrong with a database. A missing file is fs.ErrNotExist and one that may not be read or written is
// fs.ErrPermission; every error names the path it is about.
var (
	// ErrEmpty is returned for a file of zero bytes, which SQLite would take for a new database.
	ErrEmpty = errors.New("file is empty, not a database")
	// ErrNotFile is returned for a directory, a device, or anything else that is not a regular file.
	ErrNotFile = errors.New("not a regular file")
	// ErrNotDatabase is returned for a file that is no SQLite database, or an encrypted one.
	ErrNotDatabase = errors.New("not an SQLite database, or an encrypted one (SQLite cannot tell these apart)")
	// ErrCorrupt is returned when SQLite finds the database malformed, or its pages do not add up.
	ErrCorrupt = errors.New("database is corrupt")
	// ErrBusy is returned when the database stayed locked for the whole BusyTimeout.
	ErrBusy = errors.New("database is locked, by a long transaction or by locking_mode=EXCLUSIVE")
	// ErrNoSpace is returned when the disk is full, or too full for what is about to be written.
	ErrNoSpace = errors.New("not enough free disk space")
	// ErrIO is returned when the disk or its file system fails: nothing is known of the database then.
	ErrIO = errors.New("the disk or its file system failed")
	// ErrHoldsUp is returned by [Image.Read] when reading has kept the application from committing for as long as it may,
	// see [Options.HoldWriters].
	ErrHoldsUp = errors.New("reading the database would keep its application from committing for more than 2 seconds")
	// ErrDiffers is returned by [Restore] when a database was restored, and is not what it should be.
	ErrDiffers = errors.New("restored database differs from the image")
	// ErrStrangeSidecar is returned when what has the name of the database's journal, WAL or -shm is no regular file.
	ErrStrangeSidecar = errors.New("what lies beside the database is no file of SQLite's")
	// ErrDetached is returned when the WAL with the last commits must be in another place than beside the database.
	ErrDetached = errors.New("the database's WAL is not here")
	// ErrChanged is returned when a database was written that had to be read without a lock.
	ErrChanged = errors.New("database was written while it was read without a lock")
	// ErrSidecar is returned by [Restore] when a journal or WAL lies beside a target that does not exist.
	ErrSidecar = errors.New("left-over journal or WAL beside a missing database")
	// ErrPageSize is returned by [Restore] when the target is in WAL mode and its page size is not the image's.
	ErrPageSize = errors.New("page size differs from the live database's, which WAL mode does not allow to change")
)

// failure is an error code of the SQLite library.
type failure struct {
	code    int32 // extended result code
	message string
	kind    error // the sentinel it stands for, or nil
}

func newFailure(code int32, message string, errno syscall.Errno) *failure {
	switch code { // SQLite's own words for these say what failed, not why
	case lib.SQLITE_READONLY_DIRECTORY:
		message = "the folder may not be written, where SQLite must create a file: " +
			"to lock a WAL database that no application has open, or to change a database"
	case lib.SQLITE_READONLY_ROLLBACK:
		message = "a crash left a transaction that must be rolled back first, by a user who may write the database"
	case lib.SQLITE_IOERR_DELETE:
		message = "the journal of a transaction that a crash left was rolled back, and may not be removed"
	}
	return &failure{code, message, kind(code, errno)}
}

// Error says what the code means to the user, then what SQLite says.
func (f *failure) Error() string {
	if f.kind == nil {
		return fmt.Sprintf("%s (SQLite code %d)", f.message, f.code)
	}
	return fmt.Sprintf("%v: %s (SQLite code %d)", f.kind, f.message, f.code)
}

// Unwrap returns the sentinel.
func (f *failure) Unwrap() error { return f.kind }

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

// osKind says why the system refused something.
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
