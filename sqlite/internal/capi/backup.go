package capi

import (
	"time"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// backupRun is how many pages the backup interface copies before the context is looked at. The target stays locked in
// between.
const backupRun = 1000

// CopyFrom replaces the database by the one of src, through SQLite's backup interface, in one transaction. It waits for
// locks as [Conn.Retry] does.
func (c *Conn) CopyFrom(src *Conn, timeout time.Duration) error {
	z, err := libc.CString("main")
	if err != nil {
		return err
	}
	defer libc.Xfree(c.tls, z)
	b := lib.Xsqlite3_backup_init(c.tls, c.db, z, src.db, z)
	if b == 0 {
		return c.failure(lib.Xsqlite3_extended_errcode(c.tls, c.db))
	}
	err = c.copyRuns(b, timeout)
	// Finishing rolls back what is not complete, and repeats the error of the last step.
	if rc := lib.Xsqlite3_backup_finish(c.tls, b); rc != lib.SQLITE_OK && err == nil {
		err = c.failure(rc)
	}
	return err
}

func (c *Conn) copyRuns(b uintptr, timeout time.Duration) error {
	for {
		rc := int32(lib.SQLITE_OK)
		err := c.Retry(timeout, func() error {
			if c.ctx.Err() != nil {
				return c.ctx.Err()
			}
			rc = lib.Xsqlite3_backup_step(c.tls, b, backupRun)
			if rc == lib.SQLITE_OK || rc == lib.SQLITE_DONE {
				return nil
			}
			return newFailure(rc, libc.GoString(lib.Xsqlite3_errstr(c.tls, rc)), 0)
		})
		if err != nil || rc == lib.SQLITE_DONE {
			return err
		}
	}
}
