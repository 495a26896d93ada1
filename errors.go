package firn

import (
	"errors"

	"firn/backup"
	"firn/crypt"
	"firn/outcome"
	"firn/repo"
	"firn/snapshot"
	"firn/sqlite"
	"firn/store"
)

// The errors that programs ask for, with [errors.Is].
var (
	ErrNotRepository = repo.ErrNotRepository // there is no repository at the location
	ErrExists        = repo.ErrExists        // there is one already
	ErrWrongKey      = crypt.ErrWrongKey     // the key opens nothing
	ErrNotFound      = snapshot.ErrNotFound  // there is no such snapshot
	ErrRunning       = outcome.ErrRunning    // the same work is under way
	ErrRolledBack    = outcome.ErrRolledBack // the repository holds less than this host has stored
	ErrDamaged       = outcome.ErrDamage     // a check has found damage in the repository
	ErrReadOnly      = sqlite.ErrReadOnly    // SQL that would change a snapshot
	ErrSQL           = sqlite.ErrSQL         // SQL that SQLite does not understand
	ErrBusy          = sqlite.ErrBusy        // a lock of another program did not end in time
	ErrNoSpace       = store.ErrNoSpace      // the place has no room left
	ErrUnreachable   = store.ErrUnreachable  // the place cannot be reached
	ErrDenied        = store.ErrDenied       // the place refuses the access
)

// ErrOtherSQLite is the error of backups and restores in a program that has a copy of SQLite in C linked in.
var ErrOtherSQLite = errors.New("the program has another copy of SQLite, whose locks would be lost")

// Error is an error that brings its own exit code or hint. Use it with [errors.AsType].
type Error = outcome.Error

// SuspectError is the error of a backup whose snapshot is stored and probably not meant.
type SuspectError = backup.SuspectError

// UnsoundError is the error of a backup whose snapshot is stored, and whose database is damaged.
type UnsoundError = backup.UnsoundError

// CorruptError is the error for an object of the repository that is damaged.
type CorruptError = repo.CorruptError

// IntegrityError is the error for a database that is not sound.
type IntegrityError = sqlite.IntegrityError

// Explain returns the exit code that the command would end with after an error, and a hint for people, "" for none.
func Explain(err error) (code int, hint string) {
	if err == nil {
		return outcome.CodeDone, ""
	}
	return outcome.Classify(err)
}
