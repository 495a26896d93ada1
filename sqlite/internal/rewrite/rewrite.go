// Package rewrite makes an existing database equal to an image, in one transaction of SQLite, while applications have the
// database open. It writes the pages that differ, and where that is not possible, all pages.
package rewrite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"firn/sqlite/internal/capi"
	"firn/sqlite/internal/source"
)

var (
	// ErrDiffers is returned when a database was rewritten, and is not equal to the image.
	ErrDiffers = errors.New("restored database differs from the image")
	// ErrPageSize is returned when the database is in WAL mode and its page size is not the image's.
	ErrPageSize = errors.New("page size differs from the live database's, which WAL mode does not allow to change")
)

// Options say how to rewrite a database. All fields but Offline must be set.
type Options struct {
	Timeout time.Duration // how long to wait for a lock
	Offline bool          // no process has the database open, so that its page size may change even in WAL mode
	Partial Partial       // of the image
	Locked  func() error  // called when the write lock is held and nothing has been written, unless all pages are written
}

// Result describes what was written.
type Result struct {
	Whole bool  // all pages
	Pages int64 // how many
}

// Run makes the database at a path of [source.Resolve] equal to an image, whose header it may change.
func Run(ctx context.Context, path string, image *Image, o Options) (result Result, err error) {
	c, err := Connect(ctx, path, o.Timeout)
	if err != nil {
		return Result{}, err
	}
	defer func() {
		image.release(c)
		err = errors.Join(err, c.Close())
	}()
	t := &target{Conn: c, path: path, src: image, partial: o.Partial, timeout: o.Timeout, locked: o.Locked}
	result, err = t.delta()
	if !errors.Is(err, errNoDelta) {
		return result, err
	}
	return t.backup(o.Offline)
}

// Connect opens the database at a path of [source.Resolve] to change it, and waits for a lock until the timeout is over.
func Connect(ctx context.Context, path string, timeout time.Duration) (*capi.Conn, error) {
	if err := source.CheckSidecars(path); err != nil {
		return nil, err
	}
	c, err := capi.Open(ctx, path, capi.ReadWrite)
	if err != nil {
		return nil, err
	}
	err = c.FirstRead(timeout)
	if err == nil {
		// Checkpoints are left to the application: SQLite up to 3.51.2 can lose commits when two processes checkpoint
		// at once. A transaction with a rollback journal is over when the journal's name is gone: only EXTRA has that
		// on the disk before the restore is acknowledged. Even these pragmas read the schema, from which a lock can
		// keep them.
		err = c.Retry(timeout, func() error { return c.Exec("PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = EXTRA") })
	}
	if err == nil && c.ReadOnly() { // SQLite opens a file for reading if it may not be written
		err = fmt.Errorf("the file may not be written: %w", fs.ErrPermission)
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// target is the database that is being rewritten.
type target struct {
	*capi.Conn
	path    string
	src     *Image
	partial Partial // of src
	timeout time.Duration
	locked  func() error // see [Options]
}
