package capi

import (
	"errors"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// File is SQLite's own handle of the database file or of its WAL. A live database must never be opened by other
// means: closing any descriptor of a file drops every POSIX lock that the process holds on it, SQLite's too.
type File struct {
	conn *Conn
	p    uintptr
	read func(tls *libc.TLS, file, buffer uintptr, n int32, offset int64) int32
	size func(tls *libc.TLS, file, size uintptr) int32
	shm  func(tls *libc.TLS, file uintptr, region, size, extend int32, out uintptr) int32 // nil where there is none
}

// File returns the handle of the main database file.
func (c *Conn) File() (*File, error) { return c.handle(lib.SQLITE_FCNTL_FILE_POINTER) }

// WAL returns the handle of the WAL, in WAL mode.
func (c *Conn) WAL() (*File, error) { return c.handle(lib.SQLITE_FCNTL_JOURNAL_POINTER) }

func (c *Conn) handle(which int32) (*File, error) {
	z, err := libc.CString("main")
	if err != nil {
		return nil, err
	}
	defer libc.Xfree(c.tls, z)
	out := c.tls.Alloc(8)
	defer c.tls.Free(8)
	if rc := lib.Xsqlite3_file_control(c.tls, c.db, z, which, out); rc != lib.SQLITE_OK {
		return nil, c.failure(rc)
	}
	p := *(*uintptr)(pointer(out))
	if p == 0 {
		return nil, errors.New("file is not open")
	}
	methods := (*lib.Tsqlite3_file)(pointer(p)).FpMethods
	if methods == 0 {
		return nil, errors.New("file is not open")
	}
	io := (*lib.Tsqlite3_io_methods)(pointer(methods))
	f := &File{
		conn: c, p: p,
		read: *(*func(*libc.TLS, uintptr, uintptr, int32, int64) int32)(unsafe.Pointer(&io.FxRead)),
		size: *(*func(*libc.TLS, uintptr, uintptr) int32)(unsafe.Pointer(&io.FxFileSize)),
	}
	if io.FiVersion >= 2 && io.FxShmMap != 0 {
		f.shm = *(*func(*libc.TLS, uintptr, int32, int32, int32, uintptr) int32)(unsafe.Pointer(&io.FxShmMap))
	}
	return f, nil
}

// ReadAt fills b, memory of [Conn.Alloc], from the file without regard to locks. Bytes beyond the end of the file
// read as zeros.
func (f *File) ReadAt(b []byte, offset int64) error {
	_, err := f.ReadWhole(b, offset)
	return err
}

// ReadWhole is ReadAt, and reports whether the file had all the bytes.
func (f *File) ReadWhole(b []byte, offset int64) (bool, error) {
	f.conn.Alive()
	switch rc := f.read(f.conn.tls, f.p, address(b), int32(len(b)), offset); rc {
	case lib.SQLITE_OK:
		return true, nil
	case lib.SQLITE_IOERR_SHORT_READ:
		return false, nil
	default:
		return false, newFailure(rc, "read database file", 0)
	}
}

// Size returns the size of the file in bytes.
func (f *File) Size() (int64, error) {
	out := f.conn.tls.Alloc(8)
	defer f.conn.tls.Free(8)
	if rc := f.size(f.conn.tls, f.p, out); rc != lib.SQLITE_OK {
		return 0, newFailure(rc, "measure database file", 0)
	}
	return *(*int64)(pointer(out)), nil
}

// ReserveBytes makes the next VACUUM leave n bytes unused at the end of each page, as encrypting extensions do.
func (c *Conn) ReserveBytes(n int32) error {
	arg := c.tls.Alloc(4)
	defer c.tls.Free(4)
	*(*int32)(pointer(arg)) = n
	if rc := lib.Xsqlite3_file_control(c.tls, c.db, 0, lib.SQLITE_FCNTL_RESERVE_BYTES, arg); rc != lib.SQLITE_OK {
		return c.failure(rc)
	}
	return nil
}
