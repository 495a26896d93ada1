package behind_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"firn/store"
)

// childDir is the environment variable that gives the child process its folder.
const childDir = "FIRN_TEST_CHILD_DIR"

// TestDiskFull needs a disk that is full. So it runs itself again in a process of its own, which mounts such a disk for
// itself alone.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	dir := os.Getenv(childDir)
	if dir == "" {
		runChild(t, t.TempDir())
		return
	}
	mount(t, dir)
	p := newPlace()
	p.goAway(unreachable())
	s := open(t, filepath.Join(dir, "spool"), p)
	put(t, s, "a")
	for range 3 {
		err := s.Put(t.Context(), "b", make([]byte, 1<<20))
		if !errors.Is(err, store.ErrNoSpace) || !strings.Contains(err.Error(), "the store is away") {
			t.Errorf("got %v, want ErrNoSpace", err)
		}
	}
	// The room was looked at before; another program can take it just then.
	if err := os.WriteFile(filepath.Join(dir, "rest"), make([]byte, 1<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("got %v, want ENOSPC", err)
	}
	if err := s.Put(t.Context(), "c", make([]byte, 10_000)); !errors.Is(err, store.ErrNoSpace) {
		t.Errorf("got %v, want ErrNoSpace", err)
	}
	if files, err := filepath.Glob(filepath.Join(dir, "spool", "0*")); len(files) != 1 || err != nil {
		t.Errorf("got %q, %v, want one file", files, err)
	}
	want(t, s, "a")
	p.comeBack()
	drain(t, s) // needs no room
	wantNames(t, list(t, p, ""), "a")
	put(t, s, "b")
}

// runChild runs the test again in a child process that has its own mounts. If the test does not run as root, the process is
// root in a user namespace of its own, which any user may make.
func runChild(t *testing.T, dir string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
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

// mount mounts a disk of 512 KiB over dir. The mount ends with the child process.
func mount(t *testing.T, dir string) {
	t.Helper()
	err := syscall.Mount("", "/", "", syscall.MS_PRIVATE|syscall.MS_REC, "")
	if err == nil {
		err = syscall.Mount("firn-test", dir, "tmpfs", 0, "size=512k,mode=700")
	}
	if err != nil {
		t.Skip("this system lets no process mount a disk of its own: ", err)
	}
}
