package storetest

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// ChildDir is the environment variable that gives the process of [RunChild] its folder.
const ChildDir = "FIRN_TEST_CHILD_DIR"

// RunChild runs the test again in a child process with attributes, and gives it a folder. It skips the test if the system
// does not allow the process, or the child has skipped.
func RunChild(t *testing.T, dir string, attr *syscall.SysProcAttr) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), ChildDir+"="+dir)
	cmd.SysProcAttr = attr
	out, err := cmd.CombinedOutput()
	if errors.Is(err, fs.ErrPermission) {
		t.Skip("this system lets no process mount a disk of its own: ", err)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if bytes.Contains(out, []byte("--- SKIP")) {
		t.Skipf("the child process skipped:\n%s", out)
	}
}

// OwnMounts returns attributes for a process that has its own mounts. If the test does not run as root, the process is root
// in a user namespace of its own, which any user may make.
func OwnMounts() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	return attr
}

// Mount mounts a disk of 512 KiB over dir, for the owner alone. The mount ends with the child process.
func Mount(t *testing.T, dir string, flags uintptr) {
	t.Helper()
	err := syscall.Mount("", "/", "", syscall.MS_PRIVATE|syscall.MS_REC, "")
	if err == nil {
		err = syscall.Mount("firn-test", dir, "tmpfs", flags, "size=512k,mode=700")
	}
	if err != nil {
		t.Skip("this system lets no process mount a disk of its own: ", err)
	}
}

// OwnDisk has the test run once more in a process of its own, and returns the folder of a disk of 512 KiB there, which is
// mounted for that process and its children alone. In the first process it returns "": there the test is over.
func OwnDisk(t *testing.T) (dir string) {
	t.Helper()
	dir = os.Getenv(ChildDir)
	if dir == "" {
		RunChild(t, t.TempDir(), OwnMounts())
		return ""
	}
	Mount(t, dir, 0)
	return dir
}
