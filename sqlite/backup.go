package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// backupRun is how many pages the backup interface copies before the context is looked at. The target stays locked
// in between.
const backupRun = 1000

// backup writes all pages of the image through SQLite's backup interface, in one transaction.
func (t *target) backup(offline bool) (*RestoreResult, error) {
	live, err := t.info()
	if err != nil {
		return nil, err
	}
	resized := live.PageCount > 0 && live.JournalMode == walMode && live.PageSize != t.src.pageSize
	if resized && !offline {
		return nil, fmt.Errorf("%w: %d bytes in the image, %d live; stop the applications and restore with --offline",
			ErrPageSize, t.src.pageSize, live.PageSize)
	}
	// The WAL or the journal, and the file itself, may grow by so much.
	if err := needSpace(filepath.Dir(t.path), t.src.size()); err != nil {
		return nil, err
	}
	if err := t.partial.Complete(t.ctx, t.src); err != nil {
		return nil, err
	}
	if err := t.locked(); err != nil {
		return nil, err
	}
	if resized {
		err = t.withoutWAL(func() error { return t.copyAll(deleteMode) })
	} else if live.PageCount > 0 {
		err = t.copyAll(live.JournalMode)
	} else {
		err = t.copyAll(t.src.mode)
	}
	if err != nil {
		return nil, err
	}
	return &RestoreResult{MethodBackup, t.src.pages, t.src.pages}, nil
}

// withoutWAL runs f while the database is not in WAL mode, which needs that nobody else has it open.
func (t *target) withoutWAL(f func() error) error {
	if err := t.setJournalMode(deleteMode); err != nil {
		return fmt.Errorf("leave WAL mode (does an application have the database open?): %w", err)
	}
	err := f()
	return errors.Join(err, t.backToWAL())
}

// backToWAL goes through a connection of its own, since the context of this one may be cancelled: that is no reason to
// leave the application's database in another mode than it had.
func (t *target) backToWAL() error {
	c, err := openTarget(context.WithoutCancel(t.ctx), t.path, t.timeout)
	if err != nil {
		return fmt.Errorf("go back to WAL mode: %w", err)
	}
	afresh := target{conn: c, path: t.path, timeout: t.timeout}
	return errors.Join(afresh.setJournalMode(walMode), c.close())
}

func (t *target) setJournalMode(mode string) error {
	return t.retry(t.timeout, func() error {
		got, err := t.text("PRAGMA journal_mode = " + mode)
		if err == nil && got != mode {
			err = fmt.Errorf("journal mode is still %s", got)
		}
		return err
	})
}

// copyAll copies the image; mode is the journal mode that the target is to have.
func (t *target) copyAll(mode string) (err error) {
	// The backup interface copies the journal mode like all the rest of page 1.
	if _, err := t.src.WriteAt(journalVersion(mode), versionOffset); err != nil {
		return err
	}
	src, err := openImmutable(t.ctx, t.src.path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.close()) }()
	version, err := t.number("PRAGMA data_version")
	if err != nil {
		return err
	}
	if err := t.copyFrom(src); err != nil {
		return err
	}
	return t.verify(version, nil)
}

func (t *target) copyFrom(src *conn) error {
	z, err := libc.CString("main")
	if err != nil {
		return err
	}
	defer libc.Xfree(t.tls, z)
	b := lib.Xsqlite3_backup_init(t.tls, t.db, z, src.db, z)
	if b == 0 {
		return t.failure(lib.Xsqlite3_extended_errcode(t.tls, t.db))
	}
	err = t.copyRuns(b)
	// Finishing rolls back what is not complete, and repeats the error of the last step.
	if rc := lib.Xsqlite3_backup_finish(t.tls, b); rc != lib.SQLITE_OK && err == nil {
		err = t.failure(rc)
	}
	return err
}

func (t *target) copyRuns(b uintptr) error {
	for {
		rc := int32(lib.SQLITE_OK)
		err := t.retry(t.timeout, func() error {
			if t.ctx.Err() != nil {
				return t.ctx.Err()
			}
			rc = lib.Xsqlite3_backup_step(t.tls, b, backupRun)
			if rc == lib.SQLITE_OK || rc == lib.SQLITE_DONE {
				return nil
			}
			return newFailure(rc, libc.GoString(lib.Xsqlite3_errstr(t.tls, rc)), 0)
		})
		if err != nil || rc == lib.SQLITE_DONE {
			return err
		}
	}
}
