package capi

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// imageName is what SQLite is told that the image's file is called.
const imageName = "image"

// ImageFS is a file system, in SQLite's sense, of a single file: an image, which can only be read. Temporary files, which
// SQLite needs to sort large results, are the operating system's.
//
// The file says that it is immutable. So SQLite takes no locks and looks for no journal, keeps what it has cached, and
// reads a database in WAL mode without a WAL. To present another header would have the same effect, but page 1 would not
// show what was stored: so only [OpenWhole] does that.
type ImageFS struct {
	image io.ReaderAt
	size  int64
	err   error // of a read that has failed since the last forget
	whole bool  // see [OpenWhole]

	tls   *libc.TLS
	table *imageTable
	pin   runtime.Pinner // the table holds our address
}

// imageTable is what SQLite knows of an [ImageFS], in the library's memory. Each file system has its own table, under a
// name of its own: a shared table would need a lock and a count of its users.
type imageTable struct {
	vfs     lib.Tsqlite3_vfs
	methods lib.Tsqlite3_io_methods
	name    [32]byte // with a zero at the end
}

// imageFile is a sqlite3_file of ours: SQLite knows its first field, the methods.
type imageFile struct {
	methods uintptr
	fs      uintptr
}

// Mount makes SQLite know the image in the first size bytes of a reader, which must not keep the slices that it is
// given. The caller unmounts it, after the connection to it was closed.
func Mount(image io.ReaderAt, size int64) (*ImageFS, error) {
	fs := &ImageFS{image: image, size: size, tls: libc.NewTLS()}
	p := lib.Xsqlite3_malloc64(fs.tls, uint64(unsafe.Sizeof(imageTable{})))
	if p == 0 {
		fs.tls.Close()
		return nil, errors.New("out of memory")
	}
	fs.table = (*imageTable)(pointer(p))
	fs.pin.Pin(fs)
	fs.fill()
	if rc := lib.Xsqlite3_vfs_register(fs.tls, fs.vfs(), 0); rc != lib.SQLITE_OK {
		fs.free()
		return nil, newFailure(rc, "register file system", 0)
	}
	return fs, nil
}

// vfs returns the address by which SQLite knows the file system.
func (fs *ImageFS) vfs() uintptr { return uintptr(unsafe.Pointer(&fs.table.vfs)) }

// name returns the address of its name, which no other file system has while this one is mounted.
func (fs *ImageFS) name() uintptr { return uintptr(unsafe.Pointer(&fs.table.name)) }

// Unmount makes SQLite forget the image.
func (fs *ImageFS) Unmount() error {
	rc := lib.Xsqlite3_vfs_unregister(fs.tls, fs.vfs())
	fs.free()
	if rc != lib.SQLITE_OK {
		return newFailure(rc, "unregister file system", 0)
	}
	return nil
}

func (fs *ImageFS) free() {
	lib.Xsqlite3_free(fs.tls, fs.vfs())
	fs.tls.Close()
	fs.pin.Unpin()
}

// fill writes the table. Time and chance are the operating system's.
func (fs *ImageFS) fill() {
	t, system := fs.table, systemVFS(fs.tls)
	*t = imageTable{}
	copy(t.name[:len(t.name)-1], fmt.Sprintf("firn-%x", fs.vfs()))
	t.vfs = lib.Tsqlite3_vfs{
		FiVersion:      2,
		FszOsFile:      max(system.FszOsFile, int32(unsafe.Sizeof(imageFile{}))),
		FmxPathname:    system.FmxPathname,
		FzName:         fs.name(),
		FpAppData:      uintptr(unsafe.Pointer(fs)),
		FxOpen:         function(vfsOpen),
		FxDelete:       function(vfsDelete),
		FxAccess:       function(vfsAccess),
		FxFullPathname: function(vfsFullPathname),

		FxRandomness:       system.FxRandomness,
		FxSleep:            system.FxSleep,
		FxCurrentTime:      system.FxCurrentTime,
		FxGetLastError:     system.FxGetLastError,
		FxCurrentTimeInt64: system.FxCurrentTimeInt64,
	}
	t.methods = lib.Tsqlite3_io_methods{ // of version 1: without shared memory, and not to be mapped
		FiVersion:               1,
		FxClose:                 function(fileClose),
		FxRead:                  function(fileRead),
		FxWrite:                 function(fileWrite),
		FxTruncate:              function(fileTruncate),
		FxSync:                  function(fileNothing),
		FxFileSize:              function(fileSize),
		FxLock:                  function(fileNothing),
		FxUnlock:                function(fileNothing),
		FxCheckReservedLock:     function(fileCheckReservedLock),
		FxFileControl:           function(fileControl),
		FxSectorSize:            function(fileSectorSize),
		FxDeviceCharacteristics: function(fileCharacteristics),
	}
}

// systemVFS is SQLite's own file system.
func systemVFS(tls *libc.TLS) *lib.Tsqlite3_vfs {
	return (*lib.Tsqlite3_vfs)(pointer(lib.Xsqlite3_vfs_find(tls, 0)))
}

// function returns the address of a C function as the library expects it. F is the type of a function that is
// declared at the top of a package, so the value is the address of read-only data.
func function[F any](f F) uintptr { return *(*uintptr)(unsafe.Pointer(&f)) }

// imageFSAt returns the file system with this address, which is pinned while it is mounted.
func imageFSAt(address uintptr) *ImageFS { return (*ImageFS)(pointer(address)) }

func fsOf(file uintptr) *ImageFS { return imageFSAt((*imageFile)(pointer(file)).fs) }

// vfsOpen opens the image, or a temporary file, which has no name. No other file can be opened.
func vfsOpen(tls *libc.TLS, vfs, name, file uintptr, flags int32, outFlags uintptr) int32 {
	if flags&lib.SQLITE_OPEN_MAIN_DB != 0 {
		fs := imageFSAt((*lib.Tsqlite3_vfs)(pointer(vfs)).FpAppData)
		*(*imageFile)(pointer(file)) = imageFile{uintptr(unsafe.Pointer(&fs.table.methods)), uintptr(unsafe.Pointer(fs))}
		if outFlags != 0 {
			*(*int32)(pointer(outFlags)) = fs.openedFor()
		}
		return lib.SQLITE_OK
	}
	*(*imageFile)(pointer(file)) = imageFile{} // nothing to close
	if name != 0 || flags&lib.SQLITE_OPEN_DELETEONCLOSE == 0 {
		return lib.SQLITE_CANTOPEN
	}
	system := systemVFS(tls)
	open := *(*func(tls *libc.TLS, vfs, name, file uintptr, flags int32, outFlags uintptr) int32)(unsafe.Pointer(&system.FxOpen))
	return open(tls, uintptr(unsafe.Pointer(system)), name, file, flags, outFlags)
}

// openedFor says for what the image was opened.
func (fs *ImageFS) openedFor() int32 {
	if fs.whole {
		return lib.SQLITE_OPEN_READWRITE
	}
	return lib.SQLITE_OPEN_READONLY
}

func vfsDelete(_ *libc.TLS, _, _ uintptr, _ int32) int32 { return lib.SQLITE_IOERR_DELETE_NOENT }

// vfsAccess says that there is no file, such as a journal.
func vfsAccess(_ *libc.TLS, _, _ uintptr, _ int32, out uintptr) int32 {
	*(*int32)(pointer(out)) = 0
	return lib.SQLITE_OK
}

func vfsFullPathname(tls *libc.TLS, _, path uintptr, n int32, out uintptr) int32 {
	full := unsafe.Slice((*byte)(pointer(out)), int(n))
	full[copy(full[:n-1], libc.GoString(path))] = 0
	return lib.SQLITE_OK
}

func fileClose(*libc.TLS, uintptr) int32 { return lib.SQLITE_OK }

func fileRead(_ *libc.TLS, file, to uintptr, n int32, off int64) int32 {
	return fsOf(file).read(unsafe.Slice((*byte)(pointer(to)), int(n)), off)
}

// read reads a part of the image. SQLite wants zeros for the bytes behind its end.
func (fs *ImageFS) read(p []byte, off int64) int32 {
	within := p[:min(int64(len(p)), max(fs.size-off, 0))]
	if n, err := fs.image.ReadAt(within, off); n < len(within) {
		if err == io.EOF { // before the size that the image should have
			err = io.ErrUnexpectedEOF
		}
		fs.err = fmt.Errorf("read image at %d: %w", off, err)
		return lib.SQLITE_IOERR_READ
	}
	if fs.whole {
		fs.hideWAL(within, off)
	}
	if len(within) < len(p) {
		clear(p[len(within):])
		return lib.SQLITE_IOERR_SHORT_READ
	}
	return lib.SQLITE_OK
}

// hideWAL has the header say that the database has a rollback journal. SQLite would look for a WAL otherwise.
func (fs *ImageFS) hideWAL(p []byte, off int64) {
	for at := int64(VersionOffset); at < VersionOffset+2; at++ {
		if i := at - off; i >= 0 && i < int64(len(p)) && p[i] == JournalVersion(WALMode)[0] {
			p[i] = JournalVersion(DeleteMode)[0]
		}
	}
}

// Err returns why a read has failed since the current statement was prepared. SQLite itself reports a failed read by a
// number, or not at all where it can do without the bytes.
func (fs *ImageFS) Err() error {
	if fs == nil {
		return nil
	}
	return fs.err
}

// forget clears the error for the next statement.
func (fs *ImageFS) forget() {
	if fs != nil {
		fs.err = nil
	}
}

func fileWrite(*libc.TLS, uintptr, uintptr, int32, int64) int32 { return lib.SQLITE_READONLY }

func fileTruncate(*libc.TLS, uintptr, int64) int32 { return lib.SQLITE_READONLY }

// fileNothing syncs, locks and unlocks.
func fileNothing(*libc.TLS, uintptr, int32) int32 { return lib.SQLITE_OK }

func fileSize(_ *libc.TLS, file, out uintptr) int32 {
	*(*int64)(pointer(out)) = fsOf(file).size
	return lib.SQLITE_OK
}

func fileCheckReservedLock(_ *libc.TLS, _, out uintptr) int32 {
	*(*int32)(pointer(out)) = 0
	return lib.SQLITE_OK
}

func fileControl(*libc.TLS, uintptr, int32, uintptr) int32 { return lib.SQLITE_NOTFOUND }

func fileSectorSize(*libc.TLS, uintptr) int32 { return MinPageSize }

func fileCharacteristics(_ *libc.TLS, file uintptr) int32 {
	if fsOf(file).whole {
		return 0
	}
	return lib.SQLITE_IOCAP_IMMUTABLE
}
