//go:build linux

package sqlite

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"firn/internal/dbtest"
)

// TestSpecialFileAfterTheLook has something else than a regular file where SQLite opens one, as it is after a swap
// between the look at it and that. A pipe that nobody writes into would be waited for.
func TestSpecialFileAfterTheLook(t *testing.T) {
	t.Parallel()
	for name, put := range map[string]func(string) error{
		"Pipe":   func(path string) error { return syscall.Mkfifo(path, 0o666) },
		"Socket": func(path string) error { return syscall.Mknod(path, syscall.S_IFSOCK|0o666, 0) },
		"Link":   func(path string) error { return os.Symlink("/dev/zero", path) },
	} {
		for _, suffix := range []string{"", "-journal", "-wal", "-shm"} {
			for _, guest := range []string{asOwner, asGuest} {
				t.Run(name+suffix+guest, func(t *testing.T) {
					t.Parallel()
					path := filepath.Join(t.TempDir(), "app.db")
					dbtest.Create(t, path, dbtest.Options{WAL: suffix == "-wal" || suffix == "-shm"})
					if suffix == "-shm" {
						writeEmpty(t, path+"-wal") // or a guest would not get as far
					}
					if suffix == "" {
						os.Remove(path)
					}
					if err := put(path + suffix); err != nil {
						t.Fatal(err)
					}
					c, err := openGuarded(t.Context(), path, guest)
					if err == nil {
						err = c.firstRead(busySlice)
						c.close()
					}
					if err == nil {
						t.Error("got no error")
					}
				})
			}
		}
	}
}

func writeEmpty(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}
