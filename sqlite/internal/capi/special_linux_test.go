package capi_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"firn/internal/dbtest"
	"firn/sqlite/internal/capi"
)

// TestSpecialFileAfterTheLook puts another kind of file where SQLite opens a regular one, as a swap between the look at
// the file and its opening does. SQLite would wait for ever for a writer of a pipe.
func TestSpecialFileAfterTheLook(t *testing.T) {
	t.Parallel()
	for name, put := range map[string]func(string) error{
		"Pipe":   func(path string) error { return syscall.Mkfifo(path, 0o666) },
		"Socket": func(path string) error { return syscall.Mknod(path, syscall.S_IFSOCK|0o666, 0) },
		"Link":   func(path string) error { return os.Symlink("/dev/zero", path) },
	} {
		for _, suffix := range []string{"", "-journal", "-wal", "-shm"} {
			for _, how := range []capi.Way{capi.AsOwner, capi.AsGuest} {
				t.Run(name+suffix+string(how), func(t *testing.T) {
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
					c, err := capi.OpenGuarded(t.Context(), path, how)
					if err == nil {
						err = c.FirstRead(capi.BusySlice)
						c.Close()
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
