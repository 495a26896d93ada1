package host

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// newThread starts a thread with rights, nil for the process's own, and with dir, if it is given, as the root of all
// paths.
func newThread(rights *Rights, dir *os.File) (*Thread, error) {
	t := &Thread{rights, make(chan func()), make(chan struct{})}
	began := make(chan error)
	go func() {
		// The thread is never unlocked, and ends with the goroutine, so that no other goroutine gets its rights. Go starts
		// no thread from a locked thread, so that no thread inherits them either.
		runtime.LockOSThread()
		defer close(t.ended)
		err := confine(dir)
		if err == nil {
			err = become(rights)
		}
		began <- err
		if err == nil {
			t.run()
		}
	}()
	if err := <-began; err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoIdentity, err)
	}
	return t, nil
}

// confine makes dir the root of the file system of the calling thread alone.
func confine(dir *os.File) error {
	if dir == nil {
		return nil
	}
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return fmt.Errorf("unshare: %w", err)
	}
	if err := unix.Fchdir(int(dir.Fd())); err != nil {
		return fmt.Errorf("fchdir: %w", err)
	}
	if err := unix.Chroot("."); err != nil {
		return fmt.Errorf("chroot: %w", err)
	}
	return nil
}

// become gives the calling thread the rights: the wrappers of package syscall would change all threads. The groups
// come first and the user last, since the superuser's capabilities go with the user. Only fsuid is changed, which
// decides about access to files: a user that is the thread's real or effective user could send signals to the
// process.
func become(r *Rights) error {
	if r == nil {
		return nil
	}
	groups := make([]uint32, 0, len(r.Groups)+1)
	for _, g := range r.Groups {
		groups = append(groups, uint32(g))
	}
	var first *uint32
	if len(groups) > 0 {
		first = &groups[0]
	}
	if _, _, errno := syscall.RawSyscall(sysSetgroups, uintptr(len(groups)), uintptr(unsafe.Pointer(first)), 0); errno != 0 {
		return fmt.Errorf("setgroups: %w", errno)
	}
	if err := set(sysSetfsgid, r.GID); err != nil {
		return fmt.Errorf("setfsgid %d: %w", r.GID, err)
	}
	if err := set(sysSetfsuid, r.UID); err != nil {
		return fmt.Errorf("setfsuid %d: %w", r.UID, err)
	}
	return nil
}

// set calls setfsuid or setfsgid, which return the former identity and no error. A second call, with an identity that
// does not exist, tells whether the first has worked.
func set(call uintptr, id int) error {
	syscall.RawSyscall(call, uintptr(id), 0, 0)
	if now, _, _ := syscall.RawSyscall(call, ^uintptr(0), 0, 0); int(int32(now)) != id {
		return errors.New("the identity of the thread did not change")
	}
	return nil
}

// folderHasACL reports whether a folder has an access control list: then the bits for its group say what any user or group on
// the list may do at most, and not what the group may do.
func folderHasACL(dir *os.Root) bool {
	f, err := dir.Open(".")
	if err != nil {
		return true // a folder that cannot be opened proves nothing
	}
	defer f.Close()
	_, err = unix.Fgetxattr(int(f.Fd()), "system.posix_acl_access", nil)
	return err == nil || !errors.Is(err, unix.ENODATA) && !errors.Is(err, unix.ENOTSUP)
}
