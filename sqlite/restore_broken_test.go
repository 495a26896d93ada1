package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"firn/internal/dbtest"
	"firn/sqlite"
)

func TestRestoreKilled(t *testing.T) {
	t.Parallel()
	for _, wal := range []bool{false, true} {
		for vacuum := range 2 { // 1 goes through the backup interface
			t.Run(fmt.Sprintf("wal=%v,vacuum=%d", wal, vacuum), func(t *testing.T) {
				t.Parallel()
				path := newDB(t, dbtest.Options{WAL: wal, AutoVacuum: vacuum})
				old := readImage(t, path, sqlite.Options{})
				diverge(t, path, rand.New(rand.NewPCG(1, 1)))
				new := readImage(t, path, sqlite.Options{})
				images := [2]string{writeFile(t, path+".old", old), writeFile(t, path+".new", new)}
				for n := range 8 {
					restoreUntil(t, time.Duration(rand.IntN(10_000)+n)*time.Microsecond, path, images)
					got := masked(readImage(t, path, sqlite.Options{}))
					if !bytes.Equal(got, masked(old)) && !bytes.Equal(got, masked(new)) {
						t.Fatal("the database is neither the old one nor the new one")
					}
					dbtest.Integrity(t, path)
				}
			})
		}
	}
}

func TestRestoreBusy(t *testing.T) {
	t.Parallel()
	for _, wal := range []bool{false, true} {
		path := newDB(t, dbtest.Options{WAL: wal})
		image := readImage(t, path, sqlite.Options{})
		app := dbtest.Open(t, path)
		defer app.Close()
		dbtest.Exec(t, app, "BEGIN IMMEDIATE; DELETE FROM posts")
		o := sqlite.RestoreOptions{BusyTimeout: 30 * time.Millisecond}
		if _, err := tryRestore(t, path, image, o); !errors.Is(err, sqlite.ErrBusy) {
			t.Errorf("wal=%v: got %v, want %v", wal, err, sqlite.ErrBusy)
		}
		dbtest.Exec(t, app, "ROLLBACK")
	}
}

func TestRestoreBadImage(t *testing.T) {
	t.Parallel()
	good := readImage(t, newDB(t, dbtest.Options{}), sqlite.Options{})
	images := map[string]struct {
		bytes []byte
		want  error
	}{
		"Empty": {nil, sqlite.ErrEmpty},
		"Short": {good[:50], sqlite.ErrNotDatabase},
		"Text":  {bytes.Repeat([]byte("text"), 1024), sqlite.ErrNotDatabase},
		"Cut":   {good[:len(good)-1], sqlite.ErrCorrupt},
	}
	for name, image := range images {
		path := newDB(t, dbtest.Options{})
		before := folder(t, filepath.Dir(path))
		if _, err := tryRestore(t, path, image.bytes, sqlite.RestoreOptions{}); !errors.Is(err, image.want) {
			t.Errorf("%s: got %v, want %v", name, err, image.want)
		}
		if !maps.Equal(before, folder(t, filepath.Dir(path))) {
			t.Errorf("%s: the folder has changed", name)
		}
	}
	_, err := sqlite.Restore(t.Context(), "new.db", filepath.Join(t.TempDir(), "missing"), sqlite.RestoreOptions{})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing image: got %v, want %v", err, fs.ErrNotExist)
	}
}

// TestRestoreAfterCrash restores over the files of a crashed application: SQLite recovers them first.
func TestRestoreAfterCrash(t *testing.T) {
	t.Parallel()
	for _, wal := range []bool{false, true} {
		path := newDB(t, dbtest.Options{WAL: wal})
		image := readImage(t, path, sqlite.Options{})
		for n := range 4 {
			dbtest.StartWriter(t, path, uint64(n)).Kill()
			mustRestore(t, path, image, sqlite.RestoreOptions{})
		}
	}
}

func TestRestoreCancelled(t *testing.T) {
	t.Parallel()
	path := newDB(t, dbtest.Options{})
	image := readImage(t, newDB(t, dbtest.Options{Seed: 1}), sqlite.Options{})
	before := folder(t, filepath.Dir(path))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := sqlite.Restore(ctx, path, writeFile(t, "", image), sqlite.RestoreOptions{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	if !maps.Equal(before, folder(t, filepath.Dir(path))) {
		t.Error("the folder has changed")
	}
}

// TestRestoreLocked reads the content that is about to be replaced, while no application can commit.
func TestRestoreLocked(t *testing.T) {
	t.Parallel()
	for _, wal := range []bool{false, true} {
		path := newDB(t, dbtest.Options{WAL: wal})
		image := readImage(t, path, sqlite.Options{})
		dbtest.Mutate(t, path, 1, 10)
		before := readImage(t, path, sqlite.Options{})
		app, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(0)")
		if err != nil {
			t.Fatal(err)
		}
		defer app.Close()
		called := false
		mustRestore(t, path, image, sqlite.RestoreOptions{Locked: func() error {
			called = true
			if _, err := app.Exec("UPDATE ledger_a SET amount = amount"); err == nil {
				t.Error("an application could commit")
			}
			checkSame(t, "what is replaced", readImage(t, path, sqlite.Options{}), before)
			return nil
		}})
		if !called {
			t.Error("Locked was not called")
		}
	}
}

// TestRestoreLockedFails ends a restore before anything is written.
func TestRestoreLockedFails(t *testing.T) {
	t.Parallel()
	for _, vacuum := range []int{0, 1} { // delta, backup
		path := newDB(t, dbtest.Options{AutoVacuum: vacuum})
		image := readImage(t, path, sqlite.Options{})
		dbtest.Mutate(t, path, 1, 10)
		before := content(t, path)
		failure := errors.New("no")
		if _, err := tryRestore(t, path, image, sqlite.RestoreOptions{Locked: func() error { return failure }}); !errors.Is(err, failure) {
			t.Errorf("got %v, want the error of Locked", err)
		}
		checkSame(t, "target", content(t, path), before)
	}
}
