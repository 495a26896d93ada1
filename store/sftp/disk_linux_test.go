package sftp_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"firn/store"
	"firn/store/storetest"
)

// TestDiskFull needs a disk of the host that is full. So it runs itself again in a process of its own, which mounts such a
// disk for itself alone.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	dir := storetest.OwnDisk(t)
	if dir == "" {
		return
	}
	s := open(t, dir, "")
	var err error
	stored := 0
	for err == nil {
		if err = s.Put(t.Context(), fmt.Sprintf("packs/%d", stored), content); err == nil {
			stored++
		}
	}
	if !errors.Is(err, store.ErrNoSpace) || stored == 0 {
		t.Errorf("after %d objects: got %v, want store.ErrNoSpace", stored, err)
	}
	wantWhole(t, dir)
	if left, _ := os.ReadDir(filepath.Join(dir, ".tmp")); len(left) != 0 {
		t.Errorf("%v takes room on the full disk", left)
	}
	if err := s.Delete(t.Context(), "packs/0"); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), "packs/again", content); err != nil {
		t.Error(err)
	}
}

// TestDiskGone mounts another disk over the folder of an open store, as if its own had been unmounted. The store neither
// writes there nor calls the folder empty.
func TestDiskGone(t *testing.T) {
	t.Parallel()
	dir := os.Getenv(storetest.ChildDir)
	if dir == "" {
		storetest.RunChild(t, t.TempDir(), storetest.OwnMounts())
		return
	}
	s := open(t, dir, "")
	if err := s.Put(t.Context(), "meta/a", content); err != nil {
		t.Fatal(err)
	}
	storetest.Mount(t, dir, 0)
	_, getErr := s.Get(t.Context(), "meta/a", 0, -1)
	errs := []error{getErr, s.Put(t.Context(), "meta/b", content), s.Put(t.Context(), "meta/b", content), s.Put(t.Context(), "packs/00/b", content)}
	for _, prefix := range []string{"", "meta/"} {
		for _, err := range s.List(t.Context(), prefix) {
			errs = append(errs, err)
		}
	}
	if len(errs) != 6 {
		t.Errorf("the listings of the other disk are empty")
	}
	for i, err := range errs {
		if !errors.Is(err, store.ErrFolder) {
			t.Errorf("call %d: got %v, want store.ErrFolder", i, err)
		}
	}
	if left := files(t, dir); len(left) > 0 {
		t.Errorf("there is %q on the other disk", left)
	}
}

// TestOwner has the superuser store in another user's folder: all is that user's.
func TestOwner(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only the superuser can give files away")
	}
	dir := t.TempDir()
	if err := os.Chown(dir, 1234, 2345); err != nil {
		t.Fatal(err)
	}
	if err := open(t, dir, "").Put(t.Context(), "packs/00/a", content); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".tmp", "packs", "packs/00", "packs/00/a"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if stat := info.Sys().(*syscall.Stat_t); stat.Uid != 1234 || stat.Gid != 2345 {
			t.Errorf("%s belongs to %d:%d, want 1234:2345", name, stat.Uid, stat.Gid)
		}
	}
}

// TestDenied stores in a folder of a user whom the host does not let write.
func TestDenied(t *testing.T) {
	t.Parallel()
	dir := prepared(t)
	o := options(t, dir, "")
	if os.Getuid() == 0 {
		o.SSH.Options[0] = "-oFirnTest=forced=exec setpriv --bounding-set=-dac_override,-dac_read_search,-fowner " + serverProgram()
	}
	s := openWith(t, o)
	for _, folder := range []string{dir, filepath.Join(dir, "meta"), filepath.Join(dir, ".tmp")} {
		if err := os.Chmod(folder, 0o500); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(folder, 0o700) })
	}
	for method, err := range map[string]error{
		"put": s.Put(t.Context(), "meta/a", nil), "delete": s.Delete(t.Context(), "meta/old"), "new folder": s.Put(t.Context(), "packs/a", nil),
	} {
		if !errors.Is(err, store.ErrRights) || !errors.Is(err, store.ErrDenied) {
			t.Errorf("%s: got %v, want store.ErrRights", method, err)
		}
	}
	if got, err := s.Get(t.Context(), "meta/old", 0, -1); err != nil || !bytes.Equal(got, content) {
		t.Errorf("reading: got %d bytes, %v", len(got), err)
	}
}
