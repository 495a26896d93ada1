package capi

import (
	"context"
	"errors"
	"net/url"
	"path/filepath"
	"syscall"
	"time"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

const (
	// BusySlice is how long SQLite itself waits for a lock. [Conn.Retry] does the rest, because SQLite's own wait does
	// not hear of a cancelled context.
	BusySlice = 50 * time.Millisecond
	// busyPause keeps Retry from spinning where SQLite does not wait at all.
	busyPause = 2 * time.Millisecond
)

// Flags say how to open a database.
type Flags int32

// The flags of [Open].
const (
	ReadOnly  Flags = lib.SQLITE_OPEN_READONLY
	ReadWrite Flags = lib.SQLITE_OPEN_READWRITE // a missing database stays missing
	Create    Flags = lib.SQLITE_OPEN_CREATE    // a missing database is made; only with ReadWrite
	uri       Flags = lib.SQLITE_OPEN_URI
)

// Conn is one connection to a database. It is for one goroutine at a time.
type Conn struct {
	// Alive is called each time SQLite is asked for something, so that a caller can tell a long call from one that hangs.
	// It must return at once.
	Alive func()

	ctx     context.Context // of the call that opened it: an io.Reader is given none
	tls     *libc.TLS
	db      uintptr
	image   *ImageFS // that the database is in; nil for a file
	unwatch func()
}

// Open opens the database with this file name. Once the context is done, the running statement is interrupted, and later
// calls fail with the context's cause.
func Open(ctx context.Context, name string, flags Flags) (*Conn, error) {
	return openIn(ctx, 0, name, flags)
}

// OpenImage opens the database in an image, for reading.
func OpenImage(ctx context.Context, image *ImageFS) (*Conn, error) {
	return openImage(ctx, image, ReadOnly)
}

// OpenWhole opens the database in an image as if it could be written, though each write fails. SQLite passes over CHECK
// constraints as it reads the schema of a file that it can only read. In WAL mode page 1 does not show what was stored.
func OpenWhole(ctx context.Context, image *ImageFS) (*Conn, error) {
	image.whole = true
	return openImage(ctx, image, ReadWrite)
}

func openImage(ctx context.Context, image *ImageFS, flags Flags) (*Conn, error) {
	c, err := openIn(ctx, image.name(), imageName, flags)
	if err != nil {
		return nil, errors.Join(image.Err(), err)
	}
	c.image = image
	return c, nil
}

// OpenImmutable opens a file to which nothing is written while it is open, for reading. SQLite never looks for a journal
// or WAL beside it. No other way opens an image whose header says WAL without creating files.
func OpenImmutable(ctx context.Context, path string) (*Conn, error) {
	name, err := fileURI(path, "immutable=1")
	if err != nil {
		return nil, err
	}
	return Open(ctx, name, ReadOnly|uri)
}

// openIn opens a database in the file system with this name, or with 0 in the system's.
func openIn(ctx context.Context, vfs uintptr, name string, flags Flags) (*Conn, error) {
	c := &Conn{ctx: ctx, tls: libc.NewTLS(), Alive: func() {}, unwatch: func() {}}
	z, err := libc.CString(name)
	if err != nil {
		c.tls.Close()
		return nil, err
	}
	defer libc.Xfree(c.tls, z)
	out := c.tls.Alloc(8)
	defer c.tls.Free(8)
	rc := lib.Xsqlite3_open_v2(c.tls, z, out, int32(flags)|lib.SQLITE_OPEN_EXRESCODE, vfs)
	c.db = *(*uintptr)(pointer(out))
	if rc != lib.SQLITE_OK {
		return nil, errors.Join(c.failure(rc), c.Close())
	}
	lib.Xsqlite3_busy_timeout(c.tls, c.db, int32(BusySlice.Milliseconds()))
	c.watch()
	return c, nil
}

// fileURI returns the name of a database file with parameters.
func fileURI(path, query string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	slash := filepath.ToSlash(abs)
	if slash[0] != '/' { // C:/folder
		slash = "/" + slash
	}
	name := url.URL{Scheme: "file", Path: slash, RawQuery: query}
	return name.String(), nil
}

// interruptPause is the time between two interrupts of a connection whose context is done.
const interruptPause = 10 * time.Millisecond

// watch interrupts the running statement once the context is done, and goes on until the connection is closed: SQLite
// forgets an interrupt that comes while no statement runs, and a statement may be about to start.
func (c *Conn) watch() {
	closing, done := make(chan struct{}), make(chan struct{})
	stop := context.AfterFunc(c.ctx, func() {
		defer close(done)
		c.interruptUntil(closing)
	})
	c.unwatch = func() {
		if !stop() {
			close(closing)
			<-done // the connection must outlive the interrupt
		}
	}
}

func (c *Conn) interruptUntil(closing <-chan struct{}) {
	tls := libc.NewTLS() // the connection's own one is in use
	defer tls.Close()
	for {
		lib.Xsqlite3_interrupt(tls, c.db)
		select {
		case <-closing:
			return
		case <-time.After(interruptPause):
		}
	}
}

// Close ends an open transaction and the connection. The connection is gone even after an error.
func (c *Conn) Close() error {
	c.unwatch()
	defer c.tls.Close()
	rc := lib.Xsqlite3_close(c.tls, c.db)
	if rc != lib.SQLITE_OK {
		err := c.failure(rc)
		lib.Xsqlite3_close_v2(c.tls, c.db)
		return err
	}
	return nil
}

// Context returns the context that the connection was opened with, or was given since.
func (c *Conn) Context() context.Context { return c.ctx }

// SetContext makes another context that of the connection, which outlives the calls that use it. No statement may be
// running.
func (c *Conn) SetContext(ctx context.Context) {
	c.unwatch()
	c.ctx = ctx
	c.watch()
}

// failure describes the result code of the last call.
func (c *Conn) failure(rc int32) error {
	if rc&0xff == lib.SQLITE_INTERRUPT && c.ctx.Err() != nil {
		return context.Cause(c.ctx)
	}
	if err := c.image.Err(); err != nil {
		return err
	}
	if c.db == 0 {
		return newFailure(rc, "out of memory", 0)
	}
	errno := syscall.Errno(lib.Xsqlite3_system_errno(c.tls, c.db))
	message := libc.GoString(lib.Xsqlite3_errmsg(c.tls, c.db))
	if rc&0xff == lib.SQLITE_CANTOPEN && errno == syscall.ENOENT {
		errno, message = whyNotOpened(c.path(), message)
	}
	return newFailure(rc, message, errno)
}

// path returns the path of the database file, empty if SQLite does not know it yet.
func (c *Conn) path() string { return libc.GoString(lib.Xsqlite3_db_filename(c.tls, c.db, 0)) }

// Retry runs f again while the database is locked, until the timeout is over.
func (c *Conn) Retry(timeout time.Duration, f func() error) error {
	limit := time.After(timeout)
	for {
		err := f()
		if !errors.Is(err, ErrBusy) {
			return err
		}
		select {
		case <-limit:
			return err
		case <-c.ctx.Done():
			return context.Cause(c.ctx)
		case <-time.After(busyPause):
		}
	}
}

// FirstRead makes SQLite open the WAL or roll a hot journal back. Before it, [Conn.Snapshot] pins nothing, and
// [Conn.CopyFrom] does not know the journal mode.
func (c *Conn) FirstRead(timeout time.Duration) error {
	read := func() error { _, err := c.Text("PRAGMA journal_mode"); return err }
	err := c.Retry(timeout, read)
	if errors.Is(err, ErrUnparsed) {
		c.PassUnparsed()
		err = c.Retry(timeout, read)
	}
	return err
}

// PassUnparsed makes SQLite read the schema. If it cannot parse a definition, PassUnparsed returns its [ErrUnparsed], and
// the connection passes over such definitions from then on: to it, the database has no such objects. Other errors are
// left to the next statement. Call it before [Conn.DistrustSchema] and [Conn.AllowReading], which refuse it.
func (c *Conn) PassUnparsed() error {
	_, err := c.Number("SELECT 1 FROM main.sqlite_master LIMIT 0")
	if !errors.Is(err, ErrUnparsed) {
		return nil
	}
	if failed := c.Exec("PRAGMA writable_schema=ON"); failed != nil {
		return failed
	}
	return err
}

// Exec runs SQL statements, and passes over the rows that they return.
func (c *Conn) Exec(sql string) error {
	z, err := libc.CString(sql)
	if err != nil {
		return err
	}
	defer libc.Xfree(c.tls, z)
	if rc := lib.Xsqlite3_exec(c.tls, c.db, z, 0, 0, 0); rc != lib.SQLITE_OK {
		return c.failure(rc)
	}
	return nil
}

// ExecText runs a statement with texts as parameters.
func (c *Conn) ExecText(sql string, texts ...string) error {
	s, err := c.Prepare(sql)
	if err != nil {
		return err
	}
	defer s.Finalize()
	for i, text := range texts {
		if err := s.BindText(int32(i+1), text); err != nil {
			return err
		}
	}
	return s.Run()
}

// Number returns the first column of the last row of a query.
func (c *Conn) Number(sql string) (int64, error) {
	var n int64
	err := c.Rows(sql, func(s *Stmt) { n = s.Number(0) })
	return n, err
}

// Text returns the first column of the last row of a query.
func (c *Conn) Text(sql string) (string, error) {
	var text string
	err := c.Rows(sql, func(s *Stmt) { text = s.Text(0) })
	return text, err
}

// Rows calls f for every row of a query.
func (c *Conn) Rows(sql string, f func(*Stmt)) error {
	s, err := c.Prepare(sql)
	if err != nil {
		return err
	}
	defer s.Finalize()
	for {
		row, err := s.Step()
		if err != nil || !row {
			return err
		}
		f(s)
	}
}

// InTransaction reports whether a transaction is open.
func (c *Conn) InTransaction() bool { return lib.Xsqlite3_get_autocommit(c.tls, c.db) == 0 }

// Collation returns the collation by which a column of a table compares.
func (c *Conn) Collation(table, column string) (string, error) {
	var names [3]uintptr
	for i, name := range []string{"main", table, column} {
		z, err := libc.CString(name)
		if err != nil {
			return "", err
		}
		defer libc.Xfree(c.tls, z)
		names[i] = z
	}
	out := c.tls.Alloc(8)
	defer c.tls.Free(8)
	if rc := lib.Xsqlite3_table_column_metadata(c.tls, c.db, names[0], names[1], names[2], 0, out, 0, 0, 0); rc != lib.SQLITE_OK {
		return "", c.failure(rc)
	}
	return libc.GoString(*(*uintptr)(pointer(out))), nil
}

// Changes returns how many rows the last statement that changes rows has changed, without those of triggers and of foreign keys.
func (c *Conn) Changes() int64 { return lib.Xsqlite3_changes64(c.tls, c.db) }

// ReadOnly reports whether SQLite could open the file for reading only.
func (c *Conn) ReadOnly() bool { return lib.Xsqlite3_db_readonly(c.tls, c.db, 0) == 1 }

// CacheMisses returns how many pages the connection has read since it was opened.
func (c *Conn) CacheMisses() (int, error) {
	out := c.tls.Alloc(2 * 4)
	defer c.tls.Free(2 * 4)
	if rc := lib.Xsqlite3_db_status(c.tls, c.db, lib.SQLITE_DBSTATUS_CACHE_MISS, out, out+4, 0); rc != lib.SQLITE_OK {
		return 0, c.failure(rc)
	}
	return int(*(*int32)(pointer(out))), nil
}
