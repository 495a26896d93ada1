package sqlite_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"firn/internal/dbtest"
	"firn/sqlite"
)

// TestStrangeSidecar puts other kinds of files beside a database, under each name that SQLite uses.
func TestStrangeSidecar(t *testing.T) {
	t.Parallel()
	kinds := map[string]func(path string) error{
		"a named pipe": func(path string) error { return syscall.Mkfifo(path, 0o666) },
		"a socket":     func(path string) error { return syscall.Mknod(path, syscall.S_IFSOCK|0o666, 0) },
		"a directory":  func(path string) error { return os.Mkdir(path, 0o777) },
		"a symbolic link": func(path string) error {
			return errors.Join(os.WriteFile(path+".x", nil, 0o666), os.Symlink(path+".x", path))
		},
		"a device": func(path string) error { return syscall.Mknod(path, syscall.S_IFCHR|0o666, 1<<8|3) },
	}
	for kind, put := range kinds {
		for _, suffix := range []string{"-journal", "-wal", "-shm"} {
			for _, wal := range []bool{false, true} {
				t.Run(strings.ReplaceAll(kind, " ", "")+suffix, func(t *testing.T) {
					t.Parallel()
					path := newDB(t, dbtest.Options{WAL: wal})
					if err := put(path + suffix); err != nil {
						if errors.Is(err, os.ErrPermission) {
							t.Skip("needs root")
						}
						t.Fatal(err)
					}
					before := folder(t, filepath.Dir(path))
					checkStrange(t, path, suffix, kind)
					if after := folder(t, filepath.Dir(path)); !maps.Equal(before, after) {
						t.Errorf("folder: got %v, want %v as before", slicesOf(after), slicesOf(before))
					}
				})
			}
		}
	}
}

// checkStrange opens a database in every way.
func checkStrange(t *testing.T, path, suffix, kind string) {
	t.Helper()
	_, opened := sqlite.Open(t.Context(), path, sqlite.Options{})
	_, counted := sqlite.CountRows(t.Context(), path)
	_, watched := sqlite.NewWatch(t.Context(), path, 0)
	staged := writeFile(t, "", readFile(t, path))
	_, restored := sqlite.Restore(t.Context(), path, staged, sqlite.RestoreOptions{})
	for what, err := range map[string]error{"open": opened, "count": counted, "watch": watched, "restore": restored} {
		if !errors.Is(err, sqlite.ErrStrangeSidecar) || !strings.Contains(err.Error(), "app.db"+suffix+" is "+kind) {
			t.Errorf("%s: got %v, want that app.db%s is %s", what, err, suffix, kind)
		}
	}
}
