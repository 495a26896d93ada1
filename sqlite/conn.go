package sqlite

import (
	"context"
	"errors"
	"net/url"
	"path/filepath"
	"syscall"
	"time"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

const (
	// busySlice is how long SQLite itself waits for a lock; [conn.retry] does the rest, because SQLite's own wait
	// does not hear of a cancelled context.
	busySlice = 50 * time.Millisecond
	// busyPause keeps retry from spinning where SQLite does not wait at all.
	busyPause = 2 * time.Millisecond
)

const (
	readOnly  = lib.SQLITE_OPEN_READONLY
	readWrite = lib.SQLITE_OPEN_READWRITE // without CREATE: a missing database must stay missing
)

// conn is one connection, through the C interface: database/sql hides what this package lives on (the snapshot
// header, the file handle, blobs that are not copied). For one goroutine at a time.
//
// Memory whose address is handed to the library is the library's own ([conn.alloc]), never Go's: a Go variable may
// live on a stack, and stacks move.
type conn struct {
	ctx     context.Context // of the call that opened it: an io.Reader is given none
	tls     *libc.TLS
	db      uintptr
	image   *imageFS   // that the database is in; nil for a file
	alone   *stillness // of a database that is read without locks; else nil
	alive   func()     // see [Options]
	unwatch func()
}

// pointer turns an address of the library's memory into a pointer.
func pointer(address uintptr) unsafe.Pointer {
	return *(*unsafe.Pointer)(unsafe.Pointer(&address))
}

// open opens the database with this file name.
func open(ctx context.Context, name string, flags int32) (*conn, error) {
	return openIn(ctx, 0, name, flags)
}

// openOn opens the database in an image.
func openOn(ctx context.Context, image *imageFS, name string, flags int32) (*conn, error) {
	c, err := openIn(ctx, image.name(), name, flags)
	if err != nil {
		return nil, errors.Join(image.failed(), err)
	}
	c.image = image
	return c, nil
}

// openIn opens a database in the file system with this name, or with 0 in the system's.
func openIn(ctx context.Context, vfs uintptr, name string, flags int32) (*conn, error) {
	c := &conn{ctx: ctx, tls: libc.NewTLS(), alive: func() {}, unwatch: func() {}}
	z, err := libc.CString(name)
	if err != nil {
		c.tls.Close()
		return nil, err
	}
	defer libc.Xfree(c.tls, z)
	out := c.tls.Alloc(8)
	defer c.tls.Free(8)
	rc := lib.Xsqlite3_open_v2(c.tls, z, out, flags|lib.SQLITE_OPEN_EXRESCODE, vfs)
	c.db = *(*uintptr)(pointer(out))
	if rc != lib.SQLITE_OK {
		return nil, errors.Join(c.failure(rc), c.close())
	}
	lib.Xsqlite3_busy_timeout(c.tls, c.db, int32(busySlice.Milliseconds()))
	c.watch()
	return c, nil
}

// openImmutable opens a file that nobody writes, and never looks for a journal or WAL beside it. That is the only
// way to open an image whose header says WAL without creating files.
func openImmutable(ctx context.Context, path string) (*conn, error) {
	name, err := fileURI(path, "immutable=1")
	if err != nil {
		return nil, err
	}
	return open(ctx, name, readOnly|lib.SQLITE_OPEN_URI)
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

// watch interrupts the running statement once the context is done.
func (c *conn) watch() {
	done := make(chan struct{})
	stop := context.AfterFunc(c.ctx, func() {
		defer close(done)
		tls := libc.NewTLS() // the connection's own one is in use
		defer tls.Close()
		lib.Xsqlite3_interrupt(tls, c.db)
	})
	c.unwatch = func() {
		if !stop() {
			<-done // the connection must outlive the interrupt
		}
	}
}

// close ends an open transaction and the connection. The connection is gone even after an error.
func (c *conn) close() error {
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

// failure describes the result code of the last call.
func (c *conn) failure(rc int32) error {
	if rc&0xff == lib.SQLITE_INTERRUPT && c.ctx.Err() != nil {
		return context.Cause(c.ctx)
	}
	if err := c.image.failed(); err != nil {
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
func (c *conn) path() string { return libc.GoString(lib.Xsqlite3_db_filename(c.tls, c.db, 0)) }

// retry runs f again while the database is locked, until timeout.
func (c *conn) retry(timeout time.Duration, f func() error) error {
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

// exec runs SQL that returns no rows of interest.
func (c *conn) exec(sql string) error {
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

// number returns the first column of the first row.
func (c *conn) number(sql string) (int64, error) {
	var n int64
	err := c.rows(sql, func(s *stmt) { n = s.number(0) })
	return n, err
}

// text returns the first column of the first row.
func (c *conn) text(sql string) (string, error) {
	var text string
	err := c.rows(sql, func(s *stmt) { text = s.string(0) })
	return text, err
}

// rows calls f for every row of a query.
func (c *conn) rows(sql string, f func(*stmt)) error {
	s, err := c.prepare(sql)
	if err != nil {
		return err
	}
	defer s.finalize()
	for {
		row, err := s.step()
		if err != nil || !row {
			return err
		}
		f(s)
	}
}

// config switches a boolean option of the connection (SQLITE_DBCONFIG_...).
func (c *conn) config(option int32, on int32) error {
	args := c.tls.Alloc(2 * 8)
	defer c.tls.Free(2 * 8)
	if rc := lib.Xsqlite3_db_config(c.tls, c.db, option, libc.VaList(args, on, uintptr(0))); rc != lib.SQLITE_OK {
		return c.failure(rc)
	}
	return nil
}

// readOnly reports whether SQLite could open the file for reading only.
func (c *conn) readOnly() bool {
	return lib.Xsqlite3_db_readonly(c.tls, c.db, 0) == 1
}

// snapshot returns a copy of the WAL-index header of the open transaction, or nil where there is none: not in WAL
// mode, or nothing was ever written to this WAL. It opens the read transaction and must be the first thing in it:
// only then SQLite takes a read mark that keeps the WAL from being restarted.
func (c *conn) snapshot() ([]byte, error) {
	z, err := libc.CString("main")
	if err != nil {
		return nil, err
	}
	defer libc.Xfree(c.tls, z)
	out := c.tls.Alloc(8)
	defer c.tls.Free(8)
	rc := lib.Xsqlite3_snapshot_get(c.tls, c.db, z, out)
	if rc == lib.SQLITE_ERROR {
		return nil, nil
	}
	if rc != lib.SQLITE_OK {
		return nil, newFailure(rc, libc.GoString(lib.Xsqlite3_errstr(c.tls, rc)), 0)
	}
	p := *(*uintptr)(pointer(out))
	defer lib.Xsqlite3_snapshot_free(c.tls, p)
	header := make([]byte, walHeaderLen)
	copy(header, unsafe.Slice((*byte)(pointer(p)), walHeaderLen))
	return header, nil
}

// alloc returns n bytes of the library's memory; the caller frees them.
func (c *conn) alloc(n int) []byte {
	p := lib.Xsqlite3_malloc64(c.tls, uint64(n))
	if p == 0 {
		panic("sqlite: out of memory")
	}
	return unsafe.Slice((*byte)(pointer(p)), n)
}

func (c *conn) free(b []byte) {
	lib.Xsqlite3_free(c.tls, address(b))
}

// address of memory that came from [conn.alloc].
func address(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }
