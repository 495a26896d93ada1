// Package source opens the databases of applications, to read them, so that nothing is left in an application's way with
// whatever rights firn runs:
//
//   - A process that makes -wal and -shm with the same owner, group and mode as the application reads as the application
//     does. These are the owner, and the superuser, since SQLite gives the files away then. They are removed at the end.
//   - Every other process is a guest: it makes no file and writes none.
//   - If a guest finds no -shm, no process has the database open. The guest reads it without locks then. That the file was
//     not written meanwhile proves that what was read is of one moment: only a checkpoint writes to the file, and commits
//     go to the WAL, which is not looked at again.
package source

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"firn/sqlite/internal/capi"
)

var (
	// ErrEmpty is returned for a file of zero bytes, which SQLite would take for a new database.
	ErrEmpty = errors.New("file is empty, not a database")
	// ErrNotFile is returned for a directory, a device, or anything else that is not a regular file.
	ErrNotFile = errors.New("not a regular file")
	// ErrStrangeSidecar is returned when a file with the name of the database's journal, WAL or -shm is no regular file,
	// or was put there by a user without the right to write the database.
	ErrStrangeSidecar = errors.New("a file beside the database is not one of SQLite's")
	// ErrDetached is returned when the WAL with the last commits must be in another place than beside the database.
	ErrDetached = errors.New("the WAL of the database is in another place")
	// ErrChanged is returned when a database was written that had to be read without a lock.
	ErrChanged = errors.New("database was written while it was read without a lock")
)

// passing is an error that may be over in a moment.
type passing struct{ error }

// Unwrap returns the error itself.
func (p passing) Unwrap() error { return p.error }

// passingLimit is how long such an error may last: much longer than an application takes to open or close a database.
const passingLimit = 2 * time.Second

// Open opens a database that applications may be using, to read it. If the database must be read without locks, Open
// returns a [Stillness] too, which proves that what was read is of one moment; otherwise the Stillness is nil.
//
// The path is one of [Resolve], and now is the clock. Open waits for a lock until the timeout is over. It fails with
// fs.ErrPermission, [ErrStrangeSidecar], [ErrDetached] or the errors of package capi.
func Open(ctx context.Context, path string, timeout time.Duration, now func() time.Time) (*capi.Conn, *Stillness, error) {
	limit := time.After(passingLimit)
	for {
		c, still, err := try(ctx, path, timeout, now)
		if _, soon := errors.AsType[passing](err); !soon {
			return c, still, err
		}
		select {
		case <-limit:
			return nil, nil, err
		case <-ctx.Done():
			return nil, nil, context.Cause(ctx)
		case <-time.After(capi.BusySlice):
		}
	}
}

func try(ctx context.Context, path string, timeout time.Duration, now func() time.Time) (*capi.Conn, *Stillness, error) {
	if err := CheckSidecars(path); err != nil {
		return nil, nil, err
	}
	how := capi.AsGuest
	if mayMakeSidecars(path) {
		how = capi.AsOwner
	}
	c, err := capi.OpenGuarded(ctx, path, how)
	if err != nil {
		return nil, nil, err
	}
	s, err := surroundingsOf(c, path)
	if err == nil && how == capi.AsGuest && s.unused() {
		if err := c.Close(); err != nil {
			return nil, nil, err
		}
		return openAlone(ctx, path, timeout, now)
	}
	if err == nil {
		err = join(c, s, timeout)
	}
	if err != nil {
		return nil, nil, errors.Join(err, c.Close())
	}
	return c, nil, nil
}

// join begins to use the files that all connections to the database share.
func join(c *capi.Conn, s surroundings, timeout time.Duration) error {
	if s.elsewhere() {
		return passing{s.detached()}
	}
	err := c.FirstRead(timeout)
	if s.wal && errors.Is(err, fs.ErrNotExist) { // a guest finds that the last application has closed
		return passing{err}
	}
	if err == nil && s.used && c.OnlyUser() {
		return passing{s.detached()}
	}
	return err
}

// openAlone opens a database that no other process has open, without a lock and without making a file.
func openAlone(ctx context.Context, path string, timeout time.Duration, now func() time.Time) (*capi.Conn, *Stillness, error) {
	still, err := newStillness(ctx, path, now)
	if err != nil {
		return nil, nil, err
	}
	var c *capi.Conn
	if capi.NonEmpty(path + "-wal") {
		c, err = capi.OpenGuarded(ctx, path, capi.Alone)
	} else {
		c, err = capi.OpenImmutable(ctx, path)
	}
	if err != nil {
		return nil, nil, err
	}
	if err := c.FirstRead(timeout); err != nil {
		return nil, nil, errors.Join(err, c.Close())
	}
	return c, still, nil
}
