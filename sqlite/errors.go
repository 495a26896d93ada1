package sqlite

import (
	"errors"

	"firn/sqlite/internal/capi"
	"firn/sqlite/internal/rewrite"
	"firn/sqlite/internal/source"
	"firn/sqlite/internal/sqldump"
)

// The kinds of errors of this package. A missing file is fs.ErrNotExist, and a file that may not be read or written is
// fs.ErrPermission. Every error names the path it is about.
var (
	// ErrEmpty is returned for a file of zero bytes, which SQLite would take for a new database.
	ErrEmpty = source.ErrEmpty
	// ErrNotFile is returned for a directory, a device, or anything else that is not a regular file.
	ErrNotFile = source.ErrNotFile
	// ErrNotDatabase is returned for a file that is no SQLite database, or an encrypted one.
	ErrNotDatabase = capi.ErrNotDatabase
	// ErrCorrupt is returned when SQLite finds the database malformed, or its pages do not add up.
	ErrCorrupt = capi.ErrCorrupt
	// ErrUnparsed is returned when this version of SQLite cannot parse a definition in the schema that must be read.
	// Another version may have made it: the database is not damaged.
	ErrUnparsed = capi.ErrUnparsed
	// ErrBusy is returned when the database stayed locked for the whole BusyTimeout.
	ErrBusy = capi.ErrBusy
	// ErrNoSpace is returned when the disk is full, or too full for what is about to be written.
	ErrNoSpace = capi.ErrNoSpace
	// ErrIO is returned when the disk or its file system fails: nothing is known of the database then.
	ErrIO = capi.ErrIO
	// ErrHoldsUp is returned by [Image.Read] when reading has kept the application from committing for as long as it may,
	// see [Options.HoldWriters].
	ErrHoldsUp = errors.New("reading the database would keep its application from committing for more than 2 seconds")
	// ErrDiffers is returned by [Restore] when a database was restored, and is not equal to the image.
	ErrDiffers = rewrite.ErrDiffers
	// ErrStrangeSidecar is returned when a file with the name of the database's journal, WAL or -shm is no regular file,
	// or was put there by a user without the right to write the database.
	ErrStrangeSidecar = source.ErrStrangeSidecar
	// ErrDetached is returned when the WAL with the last commits must be in another place than beside the database.
	ErrDetached = source.ErrDetached
	// ErrChanged is returned when a database was written that had to be read without a lock.
	ErrChanged = source.ErrChanged
	// ErrCollation is returned by [DumpSQL] for a table that SQLite cannot read without a collation of the application.
	ErrCollation = sqldump.ErrCollation
	// ErrSidecar is returned by [Restore] when a journal or WAL lies beside a target that does not exist.
	ErrSidecar = errors.New("left-over journal or WAL beside a missing database")
	// ErrPageSize is returned by [Restore] when the target is in WAL mode and its page size is not the image's.
	ErrPageSize = rewrite.ErrPageSize
)
