// Package outcome says how a run ends: its exit code, and what a person can do about an error.
package outcome

import (
	"errors"
	"fmt"

	"firn/repo"
	"firn/sqlite"
)

// Error is an error that brings its own exit code, its own hint or both. [Classify] looks up in [Endings] what it does not
// bring.
type Error struct {
	err  error
	code int
	hint string
}

// New returns an error with an exit code and a hint. [Classify] looks up a code that is 0 and a hint that is "".
func New(err error, code int, hint string) error { return &Error{err, code, hint} }

// Usage returns an error in how firn was called or configured. Its exit code is [CodeUsage].
func Usage(hint, format string, args ...any) error {
	return New(fmt.Errorf(format, args...), CodeUsage, hint)
}

// Failed returns an error that firn itself has found, other than an error of usage.
func Failed(hint, format string, args ...any) error {
	return New(fmt.Errorf(format, args...), 0, hint)
}

// DamagedDatabase is an error for a snapshot of a database that was damaged already when it was backed up. The repository
// is as it should be.
func DamagedDatabase(snapshot string, err error) error {
	return New(err, CodeDamage, DamagedHint(snapshot))
}

// IsDamagedDatabase reports whether an error of SQLite on a snapshot means that the database was damaged already when it was backed up, and
// that the repository is not.
func IsDamagedDatabase(err error) bool {
	_, stored := errors.AsType[*repo.CorruptError](err)
	return !stored && (errors.Is(err, sqlite.ErrCorrupt) || errors.Is(err, sqlite.ErrNotDatabase))
}

// DamagedHint is the hint of [DamagedDatabase], for an error that adds to it.
func DamagedHint(snapshot string) string {
	return fmt.Sprintf(`The database was so when it was backed up. With --format db, the default, "firn dump %s -o FILE" writes it for a look.`, snapshot)
}

// Interrupted returns the error of a run that was interrupted. An error that says so already stays as it is.
func Interrupted(err error) error {
	if p, ok := errors.AsType[*Error](err); ok && p.code == CodeInterrupted {
		return err
	}
	return New(errors.New("interrupted: nothing was left half-done"), CodeInterrupted, "")
}

// Error returns the message, without the hint.
func (p *Error) Error() string { return p.err.Error() }

// Unwrap returns the cause.
func (p *Error) Unwrap() error { return p.err }

// SourceError is an error of the database that is to be backed up, not of the repository.
type SourceError struct{ Err error }

// OfSource marks an error as an error of the database that is to be backed up.
func OfSource(err error) error { return &SourceError{err} }

// Error returns the message of the marked error.
func (e *SourceError) Error() string { return e.Err.Error() }

// Unwrap returns the marked error.
func (e *SourceError) Unwrap() error { return e.Err }

// Reported is an error that the user has already seen. It counts for the exit code and is not printed again.
type Reported struct{ err error }

// MarkReported marks an error that the user has already seen.
func MarkReported(err error) error { return &Reported{err} }

// Error returns the message that the user has seen.
func (r *Reported) Error() string { return r.err.Error() }

// Unwrap returns the marked error, which gives the exit code.
func (r *Reported) Unwrap() error { return r.err }

// ErrDamage is the outcome of a check that found damage.
var ErrDamage = errors.New("the repository is damaged")

// ErrRunning is returned when another run holds the lock.
var ErrRunning = errors.New("another run is under way")

// ErrRolledBack is the error of each command, also of a successful one, as long as the repository shows less than this host
// has stored and no "firn check --accept-rollback" has accepted that.
var ErrRolledBack = errors.New("the repository has been set back")

// ErrNotAllowed is the error of firn on another host for a database that it may not read, or not write.
var ErrNotAllowed = errors.New("the agent does not allow it")

// ErrStuck is the error of a call that does not return from the system.
var ErrStuck = errors.New("the file system does not answer")
