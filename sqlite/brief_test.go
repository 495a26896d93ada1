package sqlite_test

import (
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"firn/internal/dbtest"
	"firn/sqlite"
)

// noRoom are options for a database that is too large for memory, without room for a temporary copy.
func noRoom(t *testing.T, limit time.Duration) (o sqlite.Options, dir string) {
	dir = filepath.Join(t.TempDir(), "missing")
	return sqlite.WithHoldLimit(sqlite.WithMemoryLimit(sqlite.Options{TempDir: dir}, 1), limit), dir
}

// TestLockIsLetGo has an application commit while a consumer does not go on to read an image. The application waits
// no longer than the lock may be held.
func TestLockIsLetGo(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]int{"AtOnce": 1, "InThePage": 6000, "AfterPages": 40960} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := newDB(t, dbtest.Options{})
			app := dbtest.Open(t, path)
			defer app.Close()
			app.SetMaxOpenConns(1)
			o, dir := noRoom(t, 50*time.Millisecond)
			var reasons []error
			o.HeldUp = func(reason error) { reasons = append(reasons, reason) }
			image := openImage(t, path, o)
			if _, err := io.ReadFull(image, make([]byte, read)); err != nil {
				t.Fatal(err)
			}
			dbtest.Exec(t, app, "PRAGMA busy_timeout = 30000; UPDATE ledger_a SET amount = 7")
			for range 2 {
				_, err := image.Read(make([]byte, 1<<20))
				if !errors.Is(err, sqlite.ErrHoldsUp) || !strings.Contains(err.Error(), dir) {
					t.Errorf("got %v, want ErrHoldsUp, and why the image could not be copied", err)
				}
			}
			if err := image.Close(); err != nil {
				t.Error(err)
			}
			if len(reasons) != 1 || !strings.Contains(reasons[0].Error(), dir) {
				t.Errorf("said: %v, want the folder, once", reasons)
			}
		})
	}
}

// TestLockIsKept reads on after the time, if the options ask for that.
func TestLockIsKept(t *testing.T) {
	t.Parallel()
	path := newDB(t, dbtest.Options{})
	o, _ := noRoom(t, time.Nanosecond)
	o.HoldWriters = true
	image := openImage(t, path, o)
	checkSame(t, "image", readAll(t, image), content(t, path))
}

// TestLockIsLetGoAfterClose closes an image before its time is over.
func TestLockIsLetGoAfterClose(t *testing.T) {
	t.Parallel()
	path := newDB(t, dbtest.Options{})
	o, _ := noRoom(t, time.Millisecond)
	for range 50 {
		image := openImage(t, path, o)
		if _, err := image.Read(make([]byte, 100)); err != nil && !errors.Is(err, sqlite.ErrHoldsUp) {
			t.Fatal(err)
		}
		if err := image.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
