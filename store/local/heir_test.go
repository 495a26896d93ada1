//go:build unix

package local_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"firn/store/local"
)

// TestHeir lets the superuser put objects into folders of other users.
func TestHeir(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only the superuser can make files of other users")
	}
	const user, group = 12345, 23456
	for name, c := range map[string]struct {
		uid, gid      int
		mode          fs.FileMode
		wantUID       int
		wantGID       int
		file, folders fs.FileMode
	}{
		"Own":         {0, 0, 0o700, 0, 0, 0o600, 0o700},
		"Users":       {user, group, 0o700, user, group, 0o600, 0o700},
		"Readable":    {user, group, 0o755, user, group, 0o600, 0o700},
		"SharedUsers": {user, group, 0o770 | fs.ModeSetgid, user, group, 0o640, 0o770 | fs.ModeSetgid},
		"SharedRoots": {0, group, 0o770 | fs.ModeSetgid, 0, group, 0o640, 0o770 | fs.ModeSetgid},
		"NoSetgid":    {user, group, 0o770, user, group, 0o600, 0o700},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.Chown(dir, c.uid, c.gid); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(dir, c.mode); err != nil {
				t.Fatal(err)
			}
			s, err := local.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if err := s.Put(t.Context(), "packs/00/aa", []byte("x")); err != nil {
				t.Fatal(err)
			}
			for path, mode := range map[string]fs.FileMode{"packs/00/aa": c.file, "packs/00": c.folders, "packs": c.folders, ".tmp": c.folders} {
				info, err := os.Stat(filepath.Join(dir, path))
				if err != nil {
					t.Fatal(err)
				}
				of := info.Sys().(*syscall.Stat_t)
				if got := info.Mode() &^ fs.ModeDir; got != mode || int(of.Uid) != c.wantUID || int(of.Gid) != c.wantGID {
					t.Errorf("%s: %v %d:%d, want %v %d:%d", path, got, of.Uid, of.Gid, mode, c.wantUID, c.wantGID)
				}
			}
		})
	}
}

// TestPipe reads a pipe that has an object's name. Opening a pipe normally
// waits for a writer.
func TestPipe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := create(t, dir)
	put(t, s, "meta/a", "x")
	if err := syscall.Mkfifo(filepath.Join(dir, "meta", "b"), 0o600); err != nil {
		t.Skip("no pipes here: ", err)
	}
	if _, err := s.Get(t.Context(), "meta/b", 0, -1); err == nil {
		t.Error("a pipe was read as an object")
	}
}
