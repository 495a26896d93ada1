package capi

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"sync"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// A guard stands between SQLite and the file system while an application's database is read. SQLite itself would make
// missing files with the owner of its process, and would take the WAL away when its connection is the last to close.
//
// The guard is a VFS of its own, which hands everything on to the system's. In the memory of each database file, behind
// the part of the system's VFS, it has a table of methods of which it replaces some.
const (
	guardName  = "firn-guard"
	guardParam = "firn" // of the file's URI; its value is a [Way]
)

// Way says how a guarded connection uses the files beside a database.
type Way string

// The ways of [OpenGuarded].
const (
	AsOwner Way = ""      // make -wal and -shm if they are missing, as the application does
	AsGuest Way = "guest" // make no file, and only read -shm
	Alone   Way = "alone" // make no file and use no lock: no other process has the database open
)

// OpenGuarded opens a database of an application, to read it.
func OpenGuarded(ctx context.Context, path string, how Way) (*Conn, error) {
	name, flags := path, ReadWrite
	if how != AsOwner {
		var err error
		name, err = fileURI(path, guardParam+"="+string(how)+"&readonly_shm=1")
		if err != nil {
			return nil, err
		}
		flags |= uri
	}
	return openIn(ctx, guard().FzName, name, flags)
}

// guardedFile is the guard's part of the memory of a database file.
type guardedFile struct {
	methods lib.Tsqlite3_io_methods
	system  *lib.Tsqlite3_io_methods
	name    uintptr // valid as long as the file is open
	tidy    bool    // the last connection may write the WAL to the database and remove it
}

// guard makes SQLite know the VFS once, and returns its address. It is never freed.
var guard = sync.OnceValue(func() *lib.Tsqlite3_vfs {
	tls := libc.NewTLS()
	defer tls.Close()
	system := systemVFS(tls)
	name, err := libc.CString(guardName)
	p := lib.Xsqlite3_malloc64(tls, uint64(unsafe.Sizeof(*system)))
	if err != nil || p == 0 {
		panic("sqlite: out of memory")
	}
	vfs := (*lib.Tsqlite3_vfs)(pointer(p))
	*vfs = *system
	vfs.FpNext, vfs.FzName = 0, name
	vfs.FszOsFile = guardOffset(system) + int32(unsafe.Sizeof(guardedFile{}))
	vfs.FxOpen = function(guardOpen)
	if rc := lib.Xsqlite3_vfs_register(tls, p, 0); rc != lib.SQLITE_OK {
		panic("sqlite: internal error: register guard")
	}
	return vfs
})

// guardOffset is where a [guardedFile] begins in the memory of a file.
func guardOffset(system *lib.Tsqlite3_vfs) int32 { return (system.FszOsFile + 7) &^ 7 }

func guarded(tls *libc.TLS, file uintptr) *guardedFile {
	return (*guardedFile)(pointer(file + uintptr(guardOffset(systemVFS(tls)))))
}

// way returns how the files beside a database are used; name is the name of the database, its journal or its WAL.
func way(tls *libc.TLS, name uintptr) Way {
	param, err := libc.CString(guardParam)
	if err != nil {
		return AsGuest // the careful way
	}
	defer libc.Xfree(tls, param)
	if value := lib.Xsqlite3_uri_parameter(tls, name, param); value != 0 {
		return Way(libc.GoString(value))
	}
	return AsOwner
}

// guardOpen opens a file, and makes no missing file for a guest.
func guardOpen(tls *libc.TLS, _, name, file uintptr, flags int32, outFlags uintptr) int32 {
	const besides = lib.SQLITE_OPEN_WAL | lib.SQLITE_OPEN_MAIN_JOURNAL
	if flags&besides != 0 && way(tls, name) != AsOwner {
		flags &^= lib.SQLITE_OPEN_CREATE
	}
	system := systemVFS(tls)
	open := *(*func(tls *libc.TLS, vfs, name, file uintptr, flags int32, outFlags uintptr) int32)(unsafe.Pointer(&system.FxOpen))
	rc := open(tls, uintptr(unsafe.Pointer(system)), name, file, flags, outFlags)
	if rc != lib.SQLITE_OK || flags&lib.SQLITE_OPEN_MAIN_DB == 0 {
		return rc
	}
	g, own := guarded(tls, file), (*lib.Tsqlite3_file)(pointer(file))
	g.system, g.name = (*lib.Tsqlite3_io_methods)(pointer(own.FpMethods)), name
	g.methods = *g.system
	g.methods.FxLock = function(guardLock)
	if way(tls, name) == Alone {
		g.beAlone()
	}
	own.FpMethods = uintptr(unsafe.Pointer(&g.methods))
	return rc
}

// beAlone takes the locks and the shared memory away. SQLite builds its index of the WAL in its own memory if it is
// told that the shared memory can neither be trusted nor written.
func (g *guardedFile) beAlone() {
	g.methods.FxLock = function(fileNothing)
	g.methods.FxUnlock = function(fileNothing)
	g.methods.FxCheckReservedLock = function(fileCheckReservedLock)
	g.methods.FxShmMap = function(aloneMap)
	g.methods.FxShmLock = function(aloneLock)
	g.methods.FxShmBarrier = function(aloneBarrier)
	g.methods.FxShmUnmap = function(fileNothing)
}

func aloneMap(_ *libc.TLS, _ uintptr, _, _, _ int32, out uintptr) int32 {
	*(*uintptr)(pointer(out)) = 0
	return lib.SQLITE_READONLY_CANTINIT
}

func aloneLock(_ *libc.TLS, _ uintptr, _, _, _ int32) int32 { return lib.SQLITE_OK }

func aloneBarrier(*libc.TLS, uintptr) {}

// guardLock takes a lock on the database file. A connection that reads wants the exclusive one to roll a hot journal
// back, and at its end, to checkpoint the WAL and remove it. A WAL with anything in it is left to the application.
func guardLock(tls *libc.TLS, file uintptr, level int32) int32 {
	g := guarded(tls, file)
	lock := *(*func(*libc.TLS, uintptr, int32) int32)(unsafe.Pointer(&g.system.FxLock))
	if level < lib.SQLITE_LOCK_EXCLUSIVE {
		return lock(tls, file, level)
	}
	wal := libc.GoString(g.name) + "-wal"
	if g.tidy && way(tls, g.name) == AsOwner {
		return lock(tls, file, level)
	}
	if NonEmpty(wal) || way(tls, g.name) != AsOwner && Exists(wal) {
		return lib.SQLITE_BUSY
	}
	rc := lock(tls, file, level)
	if rc == lib.SQLITE_OK && NonEmpty(wal) { // the application has committed and closed before the lock was there
		unlock := *(*func(*libc.TLS, uintptr, int32) int32)(unsafe.Pointer(&g.system.FxUnlock))
		unlock(tls, file, lib.SQLITE_LOCK_SHARED)
		return lib.SQLITE_BUSY
	}
	return rc
}

// Tidy makes the close of a guarded connection that of an ordinary one: if no other connection is left, SQLite writes the WAL
// to the database, and removes the WAL and its index. It is for a connection that was open for long: the application that
// would have done this may have closed meanwhile. A guest's close leaves the WAL all the same. The names must still be those
// of the open files: SQLite removes by name.
func (c *Conn) Tidy() error {
	f, err := c.File()
	if err == nil {
		guarded(c.tls, f.p).tidy = true
	}
	return err
}

// Exists reports whether there is a file of this name. A name that cannot be looked at counts.
func Exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// NonEmpty reports whether there is a file of this name with anything in it. An unreadable file counts: it proves
// nothing.
func NonEmpty(path string) bool {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	return err != nil || info.Size() > 0
}
