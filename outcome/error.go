package outcome

import (
	"errors"
	"fmt"
)

// ErrDamage is the outcome of a check that found some.
var ErrDamage = errors.New("the repository is damaged")

// SourceError is an error of the database that is to be backed up, not of the
// repository.
type SourceError struct{ Err error }

// OfSource marks an error as one of the database that is to be backed up.
func OfSource(err error) error { return &SourceError{err} }

// Error is the error of the source itself.
func (e *SourceError) Error() string { return e.Err.Error() }

// Unwrap returns it.
func (e *SourceError) Unwrap() error { return e.Err }

// Error is an error that brings its own exit code or hint; what is zero is
// left to the table.
type Error struct {
	err  error
	code int
	hint string
}

// New returns an error with an exit code and a hint; what is zero is left to the table.
func New(err error, code int, hint string) error { return &Error{err, code, hint} }

// Error says what happened, without the hint.
func (p *Error) Error() string { return p.err.Error() }

// Unwrap returns the cause.
func (p *Error) Unwrap() error { return p.err }

// Usage is an error in how firn was called or configured.
func Usage(hint, format string, args ...any) error {
	return New(fmt.Errorf(format, args...), CodeUsage, hint)
}

// Failed is any other error that the program itself finds.
func Failed(hint, format string, args ...any) error {
	return New(fmt.Errorf(format, args...), 0, hint)
}

// Interrupted is how every run ends that was told to stop.
func Interrupted(err error) error {
	if p, ok := errors.AsType[*Error](err); ok && p.code == CodeInterrupted {
		return err
	}
	return New(errors.New("interrupted: nothing was left half-done"), CodeInterrupted, "")
}

// Reported is an error that the user has been told of.
type Reported struct{ err error }

// MarkReported marks an error that the user has been told of.
func MarkReported(err error) error { return &Reported{err} }

// Error says what the user was told.
func (r *Reported) Error() string { return r.err.Error() }

// Unwrap returns the error, which gives the exit code.
func (r *Reported) Unwrap() error { return r.err }

// ErrRunning is returned when another run holds the lock.
var ErrRunning = errors.New("another run is under way")

// ErrRolledBack is what each command ends with, also when it did what it was asked, as long as
// the repository shows less than this host has stored, and nobody has accepted that.
var ErrRolledBack = errors.New("the repository has been set back")

// ErrStuck is the error of a call that the system does not come back from.
var ErrStuck = errors.New("the file system does not answer")
