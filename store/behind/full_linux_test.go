package behind_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"firn/store"
	"firn/store/storetest"
)

// TestDiskFull needs a disk that is full. So it runs itself again in a process of its own, which mounts such a disk for
// itself alone.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	dir := storetest.OwnDisk(t)
	if dir == "" {
		return
	}
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
