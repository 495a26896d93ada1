package rewrite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"firn/sqlite/internal/capi"
)

// backup writes all pages of the image through SQLite's backup interface, in one transaction.
func (t *target) backup(offline bool) (Result, error) {
	live, err := t.Shape()
	if err != nil {
		return Result{}, err
	}
	resized := live.PageCount > 0 && live.Mode == capi.WALMode && live.PageSize != t.src.PageSize
	if resized && !offline {
		return Result{}, fmt.Errorf("%w: %d bytes in the image, %d live; stop the applications and restore with --offline",
			ErrPageSize, t.src.PageSize, live.PageSize)
	}
	// The WAL or the journal, and the file itself, may grow by this size.
	if err := capi.NeedSpace(filepath.Dir(t.path), t.src.Size()); err != nil {
		return Result{}, err
	}
	if err := t.partial.Complete(t.Context(), t.src); err != nil {
		return Result{}, err
	}
	if err := t.locked(); err != nil {
		return Result{}, err
	}
	if resized {
		err = t.withoutWAL(func() error { return t.copyAll(capi.DeleteMode) })
	} else if live.PageCount > 0 {
		err = t.copyAll(live.Mode)
	} else {
		err = t.copyAll(t.src.Mode)
	}
	if err != nil {
		return Result{}, err
	}
	return Result{Whole: true, Pages: t.src.Pages}, nil
}

// withoutWAL runs f while the database is not in WAL mode. No other connection may have the database open then.
func (t *target) withoutWAL(f func() error) error {
	if err := t.setJournalMode(capi.DeleteMode); err != nil {
		return fmt.Errorf("leave WAL mode (does an application have the database open?): %w", err)
	}
	err := f()
	return errors.Join(err, t.backToWAL())
}

// backToWAL uses a connection of its own: the context of this connection may be cancelled, and that is no reason to
// leave the application's database in another mode than before.
func (t *target) backToWAL() error {
	c, err := Connect(context.WithoutCancel(t.Context()), t.path, t.timeout)
	if err != nil {
		return fmt.Errorf("go back to WAL mode: %w", err)
	}
	afresh := target{Conn: c, path: t.path, timeout: t.timeout}
	return errors.Join(afresh.setJournalMode(capi.WALMode), c.Close())
}

func (t *target) setJournalMode(mode string) error {
	return t.Retry(t.timeout, func() error {
		got, err := t.Text("PRAGMA journal_mode = " + mode)
		if err == nil && got != mode {
			err = fmt.Errorf("journal mode is still %s", got)
		}
		return err
	})
}

// copyAll copies the image; mode is the journal mode of the target afterwards.
func (t *target) copyAll(mode string) (err error) {
	// The backup interface copies the journal mode like the rest of page 1.
	if _, err := t.src.WriteAt(capi.JournalVersion(mode), capi.VersionOffset); err != nil {
		return err
	}
	src, err := capi.OpenImmutable(t.Context(), t.src.Path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	version, err := t.Number("PRAGMA data_version")
	if err != nil {
		return err
	}
	if err := t.CopyFrom(src, t.timeout); err != nil {
		return err
	}
	return t.verify(version, nil)
}
