package remote_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"firn/store"
	"firn/store/storetest"
)

// TestDiskFull has a full disk on the other side. It runs itself again in a process of its own, which mounts such a disk for
// itself and its children alone.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	dir := storetest.OwnDisk(t)
	if dir == "" {
		return
	}
	folder := filepath.Join(dir, "repository")
	s := open(t, folder, "")
	if err := errors.Join(s.Create(t.Context()), s.Put(t.Context(), "packs/00/small", make([]byte, 64<<10))); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := s.Put(t.Context(), "packs/00/big", make([]byte, 1<<20)); !errors.Is(err, store.ErrNoSpace) {
			t.Errorf("got %v, want %v", err, store.ErrNoSpace)
		}
	}
	if names, err := list(t, s); err != nil || len(names) != 1 {
		t.Errorf("got %v, %v, want the small object", names, err)
	}
	if files, err := os.ReadDir(filepath.Join(folder, ".tmp")); err != nil || len(files) != 0 {
		t.Errorf("temporary files: %v, %v", files, err)
	}
	if room, err := s.Space(t.Context()); err != nil || room.Free > 512<<10 {
		t.Errorf("room: got %+v, %v", room, err)
	}
	if err := errors.Join(s.Delete(t.Context(), "packs/00/small"), s.Put(t.Context(), "packs/00/again", make([]byte, 1000))); err != nil {
		t.Error(err)
	}
}
