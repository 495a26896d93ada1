package site

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"firn/internal/dbtest"
	"firn/outcome"
	"firn/sqlite"
)

// stored takes an image by a follower, and marks it as stored.
func stored(t *testing.T, f *Follower) {
	t.Helper()
	image, err := f.Source(sqlite.Options{})(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if changed, err := f.Look(t.Context()); err != nil || !changed {
		t.Errorf("look while an image is open: got %v, %v, want true", changed, err)
	}
	if _, err := io.Copy(io.Discard, image); err != nil {
		t.Error(err)
	}
	if err := image.Close(); err != nil {
		t.Error(err)
	}
	image.(interface{ Stored() }).Stored()
}

// looked compares what a follower says.
func looked(t *testing.T, f *Follower, want bool) {
	t.Helper()
	if got, err := f.Look(t.Context()); err != nil || got != want {
		t.Errorf("look: got %v, %v, want %v; %+v", got, err, want, f.State())
	}
}

// TestFollower follows a database to which a link leads, until the link leads to another folder.
func TestFollower(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"1", "2"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		dbtest.Create(t, filepath.Join(dir, name, "app.db"), dbtest.Options{WAL: true})
	}
	link := filepath.Join(dir, "current")
	if err := os.Symlink("1", link); err != nil {
		t.Skip(err)
	}
	app := dbtest.Open(t, filepath.Join(link, "app.db"))
	defer app.Close()
	dbtest.Exec(t, app, "UPDATE ledger_a SET amount = 1")
	f := NewFollower(filepath.Join(link, "app.db"), true, time.Minute, time.Now)
	defer f.Close()
	if err := f.Peek(); err != nil || f.State().Held {
		t.Errorf("before the first look: got %v, %+v", err, f.State())
	}
	looked(t, f, true)
	stored(t, f)
	looked(t, f, false)
	dbtest.Exec(t, app, "UPDATE ledger_a SET amount = 2")
	if err := f.Peek(); err != nil {
		t.Error(err)
	}
	looked(t, f, true)
	if s := f.State(); !s.Held || s.Commits != 1 {
		t.Errorf("state: got %+v", s)
	}
	stored(t, f)
	if err := errors.Join(os.Remove(link), os.Symlink("2", link)); err != nil {
		t.Fatal(err)
	}
	looked(t, f, true)
	stored(t, f)
	if err := f.Release(); err != nil || f.State().Held {
		t.Errorf("release: got %v, %+v", err, f.State())
	}
	if _, err := os.Stat(filepath.Join(dir, "2", "app.db-wal")); err == nil {
		t.Error("the WAL of a database without a user was left")
	}
	f.Hold()
	looked(t, f, true) // the file was written when the connection was closed
}

// TestFollowerGivesUp has a call hang: further calls fail at once, until it returns.
func TestFollowerGivesUp(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "app.db")
	dbtest.Create(t, path, dbtest.Options{WAL: true})
	f := NewFollower(path, true, time.Minute, time.Now)
	defer f.Close()
	call, end := hang(t)
	returned := make(chan struct{})
	dog := NewWatchdog(t.Context(), time.Millisecond)
	if err := f.call(dog, call, func() { close(returned) }); !errors.Is(err, outcome.ErrStuck) {
		t.Errorf("call that hangs: got %v, want %v", err, outcome.ErrStuck)
	}
	if changed, err := f.Look(t.Context()); !changed || !errors.Is(err, outcome.ErrStuck) {
		t.Errorf("look: got %v, %v, want %v", changed, err, outcome.ErrStuck)
	}
	if err := f.Peek(); err != nil {
		t.Error(err)
	}
	end()
	<-returned
	stored(t, f)
}
