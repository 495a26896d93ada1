package capi

import (
	"errors"
	"runtime/debug"
	"sync/atomic"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// WALIndexRegion is the size of the parts in which SQLite maps -shm (WALINDEX_PGSZ in wal.c). The file has one at least while a
// connection has it open.
const WALIndexRegion = 32 << 10

// WALIndex is the header of the WAL-index in SQLite's own mapping of the -shm file. It is valid as long as its connection
// is open: SQLite unmaps the first part of -shm only when it closes the file.
type WALIndex struct {
	header []byte // two copies of SnapshotLen bytes
	fence  atomic.Uint32
}

// WALIndex returns the header of the WAL-index. The connection must have read in WAL mode before, so that it is mapped.
func (c *Conn) WALIndex() (*WALIndex, error) {
	f, err := c.File()
	if err != nil {
		return nil, err
	}
	if f.shm == nil {
		return nil, errors.New("the file system has no shared memory")
	}
	out := c.tls.Alloc(8)
	defer c.tls.Free(8)
	*(*uintptr)(pointer(out)) = 0
	if rc := f.shm(c.tls, f.p, 0, WALIndexRegion, 0, out); rc&0xff != lib.SQLITE_OK && rc != lib.SQLITE_READONLY {
		return nil, newFailure(rc, "map WAL-index", 0)
	}
	p := *(*uintptr)(pointer(out))
	if p == 0 {
		return nil, errors.New("the WAL-index is not mapped")
	}
	return &WALIndex{header: unsafe.Slice((*byte)(pointer(p)), 2*SnapshotLen)}, nil
}

// Read reads the two copies of the header without a lock: the first copy first, as walIndexTryHdr does, since
// walIndexWriteHdr writes the second copy first. A header that is being written has different copies. Read makes no system
// call, and may be called on any thread.
//
// It reports false if the memory is gone: the file was cut, by a user who may write it. SQLite itself would end the process
// with SIGBUS.
func (x *WALIndex) Read(first, second *[SnapshotLen]byte) (ok bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { ok = recover() == nil }()
	copy(first[:], x.header)
	x.fence.Add(1) // a barrier in both directions, for the compiler and the processor
	copy(second[:], x.header[SnapshotLen:])
	return true
}

// Spare frees the lookaside memory (48 KB) of a connection that will be idle most of the time. SQLite refuses while the
// connection is in use; then the memory stays.
func (c *Conn) Spare() {
	args := c.tls.Alloc(32)
	defer c.tls.Free(32)
	lib.Xsqlite3_db_config(c.tls, c.db, lib.SQLITE_DBCONFIG_LOOKASIDE, libc.VaList(args, uintptr(0), int32(0), int32(0)))
}

// ReleaseMemory gives back the pages that the connection has cached.
func (c *Conn) ReleaseMemory() { lib.Xsqlite3_db_release_memory(c.tls, c.db) }
