package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"firn/internal/dbtest"
	"firn/sqlite"
)

// followed is a database whose images are taken by a [sqlite.Follower].
type followed struct {
	follower // for its fill
	f        *sqlite.Follower
	temp     string
}

func newFollowed(t testing.TB, path string, hold bool) *followed {
	t.Helper()
	f := sqlite.NewFollower(path, sqlite.FollowOptions{Hold: hold, BusyTimeout: time.Second, Now: later})
	t.Cleanup(func() { f.Close() })
	return &followed{follower: follower{path: path}, f: f, temp: t.TempDir()}
}

// open opens an image, compares what Changed says with the content that its transaction sees, and reads it.
func (f *followed) open(t testing.TB) *sqlite.Image {
	t.Helper()
	image := openImage(t, f.path, sqlite.Options{Follower: f.f, Now: later, TempDir: f.temp})
	f.read(t, image)
	if err := image.Close(); err != nil {
		t.Fatal(err)
	}
	return image
}

// next opens an image, and marks it as stored.
func (f *followed) next(t testing.TB) *sqlite.Image {
	t.Helper()
	image := f.open(t)
	image.Stored()
	f.last, f.print = f.pending, image.Fingerprint()
	return image
}

// look compares what Look says.
func (f *followed) look(t testing.TB, want bool) {
	t.Helper()
	if got, err := f.f.Look(t.Context()); err != nil || got != want {
		t.Helper()
		t.Errorf("look: got %v, %v, want %v; %+v", got, err, want, f.f.State())
	}
}

func (f *followed) peek(t testing.TB) {
	t.Helper()
	if err := f.f.Peek(); err != nil {
		t.Error(err)
	}
}

// TestFollower follows a database through changes of all kinds, and compares each image with a full one.
func TestFollower(t *testing.T) {
	t.Parallel()
	for _, hold := range []bool{true, false} {
		for _, size := range []int{512, 4096, 65536} {
			for vacuum := range 3 {
				if testing.Short() && size == 65536 {
					continue
				}
				t.Run(fmt.Sprintf("hold=%v,page=%d,vacuum=%d", hold, size, vacuum), func(t *testing.T) {
					t.Parallel()
					seed := rand.Uint64()
					t.Logf("seed %d", seed)
					path := newDB(t, dbtest.Options{PageSize: size, WAL: true, AutoVacuum: vacuum, Rows: 40 + size/16, Seed: seed})
					db := dbtest.Open(t, path)
					defer db.Close()
					dbtest.Exec(t, db, "PRAGMA synchronous = OFF; PRAGMA cache_size = 10; PRAGMA wal_autocheckpoint = 400; UPDATE ledger_a SET amount = 3")
					f, r := newFollowed(t, path, hold), rand.New(rand.NewPCG(seed, 5))
					images := 60
					switch {
					case testing.Short():
						images = 10
					case size == 65536: // slow to read
						images = 20
					}
					f.walk(t, db, r, images)
					if f.sparse < images/10 {
						t.Errorf("%d of %d images were read in part: this proves little", f.sparse, images)
					}
				})
			}
		}
	}
}

// walk changes a database and takes images of it, of which some fail.
func (f *followed) walk(t testing.TB, db *sql.DB, r *rand.Rand, images int) {
	t.Helper()
	for range images {
		disturb(t, db, r)
		f.peek(t)
		if r.IntN(3) == 0 {
			disturb(t, db, r)
		}
		want := wantRows(t, db)
		if r.IntN(4) == 0 {
			checkRows(t, f.open(t), want)
		}
		checkRows(t, f.next(t), want)
		f.look(t, false)
		if r.IntN(3) == 0 {
			dbtest.Exec(t, db, "UPDATE ledger_a SET amount = amount + 1 WHERE account = 1")
			f.look(t, true)
		}
	}
	t.Logf("%d read in part; %+v", f.sparse, f.f.State())
}

// TestFollowerRollbackJournal looks at a database that cannot be held.
func TestFollowerRollbackJournal(t *testing.T) {
	t.Parallel()
	path := newDB(t, dbtest.Options{})
	f, db := newFollowed(t, path, true), dbtest.Open(t, path)
	defer db.Close()
	f.look(t, true)
	f.next(t)
	f.look(t, false)
	dbtest.Exec(t, db, "UPDATE ledger_a SET amount = 7")
	f.look(t, true)
	f.look(t, true)
	f.next(t)
	f.look(t, false)
	if s := f.f.State(); s.Held || s.NotHeld != "rollback journal" || s.JournalMode != "delete" {
		t.Errorf("state: got %+v", s)
	}
}

// TestFollowerLocked has an application that lets no other process in.
func TestFollowerLocked(t *testing.T) {
	t.Parallel()
	path := newDB(t, dbtest.Options{WAL: true})
	db := dbtest.Open(t, path)
	defer db.Close()
	f := sqlite.NewFollower(path, sqlite.FollowOptions{Hold: true, BusyTimeout: 50 * time.Millisecond})
	defer f.Close()
	image := openImage(t, path, sqlite.Options{Follower: f})
	readAll(t, image)
	image.Stored()
	if err := f.Release(); err != nil {
		t.Fatal(err)
	}
	f.Hold()
	dbtest.Exec(t, db, "PRAGMA locking_mode = EXCLUSIVE; UPDATE ledger_a SET amount = 3")
	if changed, err := f.Look(t.Context()); !changed || !errors.Is(err, sqlite.ErrBusy) {
		t.Errorf("look: got %v, %v, want %v", changed, err, sqlite.ErrBusy)
	}
	if s := f.State(); s.Held || s.NotHeld != "locked" {
		t.Errorf("state: got %+v", s)
	}
	if _, err := sqlite.Open(t.Context(), path, sqlite.Options{Follower: f}); !errors.Is(err, sqlite.ErrBusy) {
		t.Errorf("open: got %v, want %v", err, sqlite.ErrBusy)
	}
}

// TestFollowerLeavesNothing looks at the folder after the follower has closed, or has let go.
func TestFollowerLeavesNothing(t *testing.T) {
	t.Parallel()
	end := map[string]func(*sqlite.Follower) error{"Close": (*sqlite.Follower).Close, "Release": (*sqlite.Follower).Release}
	for name, end := range end {
		for _, committed := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s,committed=%v", name, committed), func(t *testing.T) {
				t.Parallel()
				path := newDB(t, dbtest.Options{WAL: true})
				f := newFollowed(t, path, true)
				f.next(t)
				db := dbtest.Open(t, path)
				if committed {
					dbtest.Exec(t, db, "UPDATE ledger_a SET amount = 7; UPDATE ledger_b SET amount = 7")
				}
				db.Close() // not the last connection
				if _, err := os.Stat(path + "-wal"); err != nil {
					t.Error(err)
				}
				if err := end(f.f); err != nil {
					t.Fatal(err)
				}
				if files := folder(t, filepath.Dir(path)); len(files) != 1 {
					t.Errorf("files: got %d, want the database alone", len(files))
				}
				if committed {
					checkLedger(t, path, 7)
				}
			})
		}
	}
}

// TestFollowerUnderApplication has the follower let go while an application has the database open: it leaves the WAL alone.
func TestFollowerUnderApplication(t *testing.T) {
	t.Parallel()
	path := newDB(t, dbtest.Options{WAL: true})
	db := dbtest.Open(t, path)
	defer db.Close()
	f := newFollowed(t, path, true)
	dbtest.Exec(t, db, "UPDATE ledger_a SET amount = 7")
	f.next(t)
	before := readFile(t, path)
	if err := f.f.Release(); err != nil {
		t.Fatal(err)
	}
	checkSame(t, "database file", readFile(t, path), before)
	if info, err := os.Stat(path + "-wal"); err != nil || info.Size() == 0 {
		t.Errorf("WAL: got %v, want it", err)
	}
	dbtest.Exec(t, db, "UPDATE ledger_a SET amount = 8")
	f.look(t, true) // not held, but what was known stays known
	f.next(t)
	f.look(t, false)
	f.f.Hold()
	dbtest.Exec(t, db, "UPDATE ledger_a SET amount = 9")
	f.look(t, true)
	if s := f.f.State(); !s.Held || f.sparse != 1 {
		t.Errorf("state: got %+v, and %d images read in part, want 1", s, f.sparse)
	}
}

// TestFollowerOneImage refuses a second image, and does nothing while the first is open.
func TestFollowerOneImage(t *testing.T) {
	t.Parallel()
	path := newDB(t, dbtest.Options{WAL: true})
	f := newFollowed(t, path, true)
	f.next(t)
	image := openImage(t, path, sqlite.Options{Follower: f.f})
	if _, err := sqlite.Open(t.Context(), path, sqlite.Options{Follower: f.f}); err == nil {
		t.Error("a second image: got no error")
	}
	f.peek(t)
	f.look(t, true)
	if err := f.f.Release(); err != nil {
		t.Error(err)
	}
	if !f.f.State().Held {
		t.Error("the connection of an open image was closed")
	}
	readAll(t, image)
	if f.f.State().Held {
		t.Error("the connection is held after the image's end")
	}
}

// TestFollowerCancelled cancels the reading of an image. The connection stays, and all that counted counts.
func TestFollowerCancelled(t *testing.T) {
	t.Parallel()
	path := newDB(t, dbtest.Options{WAL: true})
	db := dbtest.Open(t, path)
	defer db.Close()
	dbtest.Exec(t, db, "UPDATE ledger_a SET amount = 3")
	f := newFollowed(t, path, true)
	f.next(t)
	dbtest.Exec(t, db, "UPDATE ledger_a SET amount = 4")
	ctx, cancel := context.WithCancel(t.Context())
	image, err := sqlite.Open(ctx, path, sqlite.Options{Follower: f.f})
	if err != nil {
		t.Fatal(err)
	}
	partly(t, image)
	cancel()
	if _, err := io.Copy(io.Discard, image); !errors.Is(err, context.Canceled) {
		t.Errorf("read: got %v, want %v", err, context.Canceled)
	}
	if err := image.Close(); err != nil {
		t.Error(err)
	}
	if !f.f.State().Held {
		t.Error("the connection was given up")
	}
	f.look(t, true)
	f.next(t)
	f.look(t, false)
	if f.sparse != 1 {
		t.Errorf("images read in part: got %d, want 1", f.sparse)
	}
}

// TestFollowerUnchanged has a checkpoint between two images, which is no change.
func TestFollowerUnchanged(t *testing.T) {
	t.Parallel()
	for _, hold := range []bool{true, false} {
		path := newDB(t, dbtest.Options{WAL: true})
		db := dbtest.Open(t, path)
		defer db.Close()
		dbtest.Exec(t, db, "UPDATE ledger_a SET amount = 3")
		f := newFollowed(t, path, hold)
		f.next(t)
		dbtest.Exec(t, db, "PRAGMA wal_checkpoint(TRUNCATE)")
		f.look(t, false)
		image := openImage(t, path, sqlite.Options{Follower: f.f, Now: later})
		if !image.Unchanged(f.print) {
			t.Error("a checkpoint is a change")
		}
		image.Close()
		image.Stored()
		f.print = image.Fingerprint()
		dbtest.Exec(t, db, "UPDATE ledger_a SET amount = 4")
		f.look(t, true)
		f.next(t)
		if hold && f.sparse != 1 {
			t.Errorf("hold %v: %d images read in part, want 1; %+v", hold, f.sparse, f.f.State())
		}
	}
}
