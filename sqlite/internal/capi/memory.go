package capi

import (
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// SnapshotLen is the length of the WAL-index header that [Conn.Snapshot] returns.
const SnapshotLen = 48

// pointer turns an address of the library's memory into a pointer.
func pointer(address uintptr) unsafe.Pointer {
	return *(*unsafe.Pointer)(unsafe.Pointer(&address))
}

// address of memory that came from [Conn.Alloc].
func address(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }

// Alloc returns n bytes of the library's memory. The caller frees them with [Conn.Free].
func (c *Conn) Alloc(n int) []byte {
	p := lib.Xsqlite3_malloc64(c.tls, uint64(n))
	if p == 0 {
		panic("sqlite: out of memory")
	}
	return unsafe.Slice((*byte)(pointer(p)), n)
}

// Free frees memory of [Conn.Alloc].
func (c *Conn) Free(b []byte) {
	lib.Xsqlite3_free(c.tls, address(b))
}

// Snapshot returns a copy of the WAL-index header of the open transaction. It returns nil where there is no such header:
// outside of WAL mode, or when nothing was ever written to this WAL. Snapshot opens the read transaction and must be the
// first call in it: only then SQLite takes a read mark that keeps the WAL from being restarted.
func (c *Conn) Snapshot() ([]byte, error) {
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
	header := make([]byte, SnapshotLen)
	copy(header, unsafe.Slice((*byte)(pointer(p)), SnapshotLen))
	return header, nil
}
