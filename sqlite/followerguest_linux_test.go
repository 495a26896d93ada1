package sqlite_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"firn/internal/dbtest"
	"firn/sqlite"
)

// TestFollowerGuest follows as a user without rights to write. An application that has the database open can be held on to. If
// no process has it open, there is nothing to hold, and no file is made.
func TestFollowerGuest(t *testing.T) {
	t.Parallel()
	path := sharedDB(t, dbtest.Options{WAL: true})
	f := newFollowed(t, path, true)
	alone := folder(t, filepath.Dir(path))
	asStranger(t, func() {
		f.next(t)
		f.look(t, false)
	})
	if s := f.f.State(); s.Held || s.NotHeld == "" {
		t.Errorf("nobody has the database open: got %+v", s)
	}
	if got := folder(t, filepath.Dir(path)); !maps.Equal(got, alone) {
		t.Errorf("files: got %d, want %d", len(got), len(alone))
	}
	db := dbtest.Open(t, path)
	defer db.Close()
	dbtest.Exec(t, db, "UPDATE ledger_a SET amount = 3")
	asStranger(t, func() {
		f.look(t, true)
		f.next(t)
	})
	dbtest.Exec(t, db, "UPDATE ledger_a SET amount = 4")
	f.peek(t)
	asStranger(t, func() {
		f.look(t, true)
		f.next(t)
		f.look(t, false)
	})
	if s := f.f.State(); !s.Held || f.sparse != 1 {
		t.Errorf("an application has the database open: got %+v, %d images read in part, want 1", s, f.sparse)
	}
	before := folder(t, filepath.Dir(path))
	asStranger(t, func() {
		if err := f.f.Release(); err != nil {
			t.Error(err)
		}
	})
	if got := folder(t, filepath.Dir(path)); !maps.Equal(got, before) {
		t.Error("the guest has changed a file")
	}
}

// TestFollowerOwner has the superuser follow another user's database, which no process has open: the files beside it, which
// the superuser makes, are the other user's.
func TestFollowerOwner(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	path := newDB(t, dbtest.Options{WAL: true})
	if err := os.Chown(path, 1234, 1234); err != nil {
		t.Fatal(err)
	}
	want, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	f := sqlite.NewFollower(path, sqlite.FollowOptions{Hold: true, BusyTimeout: time.Second})
	defer f.Close()
	readAll(t, openImage(t, path, sqlite.Options{Follower: f}))
	if s := f.State(); !s.Held {
		t.Fatalf("state: got %+v", s)
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		got, err := os.Stat(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if owner(got) != owner(want) || got.Mode() != want.Mode() {
			t.Errorf("%s: got owner %v, mode %v, want those of the database", suffix, owner(got), got.Mode())
		}
	}
}

// owner returns the number of the user that a file belongs to.
func owner(info fs.FileInfo) uint32 { return info.Sys().(*syscall.Stat_t).Uid }
