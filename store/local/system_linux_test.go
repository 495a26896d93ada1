package local_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"firn/store"
	"firn/store/local"
	"firn/store/storetest"
)

// The tests in this file need a disk that is full or cannot be written, even by
// root. So each test runs itself again in a process of its own, which mounts
// such a disk for itself alone, or gives up its rights.

func TestDiskFull(t *testing.T) {
	t.Parallel()
	dir := storetest.OwnDisk(t)
	if dir == "" {
		return
	}
	s := create(t, filepath.Join(dir, "repository"))
	small, big := make([]byte, 64<<10), make([]byte, 1<<20)
	putBytes(t, s, "packs/00/small", small)
	for range 3 {
		if err := s.Put(t.Context(), "packs/00/big", big); !errors.Is(err, syscall.ENOSPC) || !errors.Is(err, store.ErrNoSpace) {
			t.Errorf("Put on a full disk: got %v, want ENOSPC", err)
		}
	}
	wantFiles(t, dir, "repository/packs/00/small")
	wantNames(t, s, "", "packs/00/small")
	if got, err := s.Get(t.Context(), "packs/00/small", 0, -1); err != nil || !bytes.Equal(got, small) {
		t.Errorf("Get on a full disk: got %d bytes, %v, want the object", len(got), err)
	}
	fill(t, filepath.Join(dir, "rest"))
	if err := s.Delete(t.Context(), "packs/00/small"); err != nil {
		t.Errorf("Delete on a full disk: %v", err)
	}
	putBytes(t, s, "packs/00/again", small)
}

func TestReadOnlyDisk(t *testing.T) {
	t.Parallel()
	dir := storetest.OwnDisk(t)
	if dir == "" {
		return
	}
	root := filepath.Join(dir, "repository")
	putBytes(t, create(t, root), "meta/a", []byte("x"))
	storetest.Mount(t, dir, syscall.MS_REMOUNT|syscall.MS_RDONLY)
	s := create(t, root) // the folder already exists
	wantReadOnly(t, s, syscall.EROFS)
	wantFiles(t, dir, "repository/meta/a")
}

// TestNoPermission lets another user read the store's folders but not write
// them, and not read the objects.
func TestNoPermission(t *testing.T) {
	t.Parallel()
	dir := os.Getenv(storetest.ChildDir)
	if dir == "" {
		dir = t.TempDir()
		putBytes(t, create(t, dir), "meta/a", []byte("x"))
		for _, path := range []string{filepath.Dir(dir), dir, dir + "/meta", dir + "/.tmp"} {
			chmod(t, path, 0o555)
			t.Cleanup(func() { chmod(t, path, 0o700) })
		}
		chmod(t, dir+"/meta/a", 0)
		storetest.RunChild(t, dir, nil)
		wantFiles(t, dir, "meta/a")
		return
	}
	giveUpRoot(t)
	s, err := local.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	wantReadOnly(t, s, fs.ErrPermission)
	if _, err := s.Get(t.Context(), "meta/a", 0, -1); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("Get: got %v, want fs.ErrPermission", err)
	}
	if _, err := local.Create(dir + "/packs/new"); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("Create: got %v, want fs.ErrPermission", err)
	}
}

// wantReadOnly checks a store that holds meta/a and cannot be changed.
func wantReadOnly(t *testing.T, s store.Store, want error) {
	t.Helper()
	for _, name := range []string{"meta/b", "packs/00/b"} {
		if err := s.Put(t.Context(), name, nil); !errors.Is(err, want) {
			t.Errorf("Put(%s): got %v, want %v", name, err, want)
		}
	}
	if err := s.Delete(t.Context(), "meta/a"); !errors.Is(err, want) {
		t.Errorf("Delete: got %v, want %v", err, want)
	}
	wantNames(t, s, "", "meta/a")
}

// fill writes a file until the disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, make([]byte, 1<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("got %v, want ENOSPC", err)
	}
}

// giveUpRoot changes the process to another user if it runs as root.
func giveUpRoot(t *testing.T) {
	t.Helper()
	const otherUser = 65534
	if os.Getuid() != 0 {
		return
	}
	if err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(otherUser), syscall.Setuid(otherUser)); err != nil {
		t.Skip("cannot become another user: ", err)
	}
}

func chmod(t *testing.T, path string, mode fs.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func putBytes(t *testing.T, s store.Store, name string, data []byte) {
	t.Helper()
	if err := s.Put(t.Context(), name, data); err != nil {
		t.Fatal(err)
	}
}
