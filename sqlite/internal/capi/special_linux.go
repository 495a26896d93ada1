package capi

import (
	"errors"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
	"modernc.org/libc"
)

// refuseSpecialFiles has SQLite open only regular files and folders, and never wait while it opens one. A look at the
// file before would be too early: another file can take its name a moment later.
func refuseSpecialFiles() error {
	tls := libc.NewTLS()
	defer tls.Close()
	name, err := libc.CString("open")
	if err != nil {
		return err
	}
	defer libc.Xfree(tls, name)
	system := systemVFS(tls)
	set := *(*func(tls *libc.TLS, vfs, name, call uintptr) int32)(unsafe.Pointer(&system.FxSetSystemCall))
	if rc := set(tls, uintptr(unsafe.Pointer(system)), name, function(openOrdinary)); rc != 0 {
		return newFailure(rc, "replace the system call that opens files", 0)
	}
	return nil
}

// openOrdinary is the function that SQLite calls instead of open(2).
func openOrdinary(tls *libc.TLS, path uintptr, flags, mode int32) int32 {
	name := libc.GoString(path)
	fd, err := unix.Open(name, int(flags)|unix.O_NONBLOCK, uint32(mode))
	if err == nil && !ordinary(fd) && name != "/dev/null" { // which SQLite opens to have a descriptor in use
		_ = unix.Close(fd)
		err = unix.EINVAL
	}
	if err != nil {
		errno, _ := errors.AsType[syscall.Errno](err)
		*(*int32)(pointer(libc.X__errno_location(tls))) = int32(errno)
		return -1
	}
	return int32(fd)
}

// ordinary reports whether an open file is a regular file or a folder.
func ordinary(fd int) bool {
	var s unix.Stat_t
	if unix.Fstat(fd, &s) != nil {
		return false
	}
	kind := s.Mode & unix.S_IFMT
	return kind == unix.S_IFREG || kind == unix.S_IFDIR
}
