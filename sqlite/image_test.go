package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"

	"firn/internal/dbtest"
	"firn/sqlite"
)

// ways are the ways to read the pages.
func ways() map[string]sqlite.Options {
	return map[string]sqlite.Options{
		"OneLock":   {},
		"TwoPasses": sqlite.WithMemoryLimit(sqlite.Options{}, 1),
	}
}

func TestImageIsTheDatabase(t *testing.T) {
	t.Parallel()
	for size := 512; size <= 65536; size *= 2 {
		for _, wal := range []bool{false, true} {
			for name, way := range ways() {
				t.Run(fmt.Sprintf("page=%d,wal=%v,%s", size, wal, name), func(t *testing.T) {
					t.Parallel()
					path := newDB(t, dbtest.Options{PageSize: size, WAL: wal, Rows: 60})
					db := dbtest.Open(t, path) // keeps the WAL
					defer db.Close()
					dbtest.Exec(t, db, "PRAGMA wal_autocheckpoint = 20")
					dbtest.Mutate(t, path, 3, 40)
					image := readImage(t, path, way)
					db.Close()
					checkSame(t, "image", image, content(t, path))
				})
			}
		}
	}
}

func TestImageReader(t *testing.T) {
	t.Parallel()
	for _, wal := range []bool{false, true} {
		path := newDB(t, dbtest.Options{PageSize: 512, WAL: wal, Rows: 5})
		want := content(t, path)
		for name, way := range ways() {
			t.Run(fmt.Sprintf("wal=%v,%s", wal, name), func(t *testing.T) {
				t.Parallel()
				image := openImage(t, path, way)
				image.Hold()
				if err := iotest.TestReader(image, want); err != nil { // it reads with ReadAt, too
					t.Error(err)
				}
			})
		}
	}
}

func TestInfo(t *testing.T) {
	t.Parallel()
	path := newDB(t, dbtest.Options{PageSize: 1024, WAL: true})
	db := dbtest.Open(t, path)
	dbtest.Exec(t, db, "PRAGMA user_version = -7; PRAGMA application_id = 252006673")
	db.Close()
	got := openImage(t, path, sqlite.Options{}).Info()
	size := int64(len(content(t, path)))
	want := sqlite.Info{
		PageSize: 1024, PageCount: size / 1024, Size: size, JournalMode: "wal",
		UserVersion: -7, ApplicationID: 252006673, SchemaHash: got.SchemaHash,
	}
	if got != want {
		t.Errorf("info: got %+v, want %+v", got, want)
	}
	if len(got.SchemaHash) != 32 {
		t.Errorf("schema hash: got %q, want 32 hex digits", got.SchemaHash)
	}
}

func TestSchemaHash(t *testing.T) {
	t.Parallel()
	hash := func(path string) string {
		image := openImage(t, path, sqlite.Options{})
		defer image.Close()
		return image.Info().SchemaHash
	}
	a, b := newDB(t, dbtest.Options{}), newDB(t, dbtest.Options{PageSize: 8192, Seed: 5, WAL: true})
	if hash(a) != hash(b) {
		t.Error("the same schema on other pages has another hash")
	}
	before := hash(a)
	db := dbtest.Open(t, a)
	defer db.Close()
	dbtest.Exec(t, db, "CREATE TABLE z (a); CREATE TABLE y (a)")
	after := hash(a)
	if after == before {
		t.Error("another schema has the same hash")
	}
	dbtest.Exec(t, db, "DROP TABLE z; DROP TABLE y; CREATE TABLE y (a); CREATE TABLE z (a)")
	if hash(a) != after {
		t.Error("the same tables made in another order have another hash")
	}
}

// TestTransactionEnds checks when an image stops to be in the application's way.
func TestTransactionEnds(t *testing.T) {
	t.Parallel()
	t.Run("WALAfterLastPage", func(t *testing.T) {
		t.Parallel()
		path := newDB(t, dbtest.Options{WAL: true})
		image := openImage(t, path, sqlite.Options{})
		if _, err := io.ReadFull(image, make([]byte, image.Info().Size)); err != nil {
			t.Fatal(err)
		}
		// Before the image is closed, no connection has the database open any more.
		db := dbtest.Open(t, path)
		defer db.Close()
		dbtest.Exec(t, db, "PRAGMA busy_timeout = 0; PRAGMA journal_mode = DELETE; VACUUM")
	})
	for name, way := range ways() {
		t.Run("RollbackAfterFirstRead"+name, func(t *testing.T) {
			t.Parallel()
			path := newDB(t, dbtest.Options{})
			want := content(t, path)
			image := openImage(t, path, way)
			first := make([]byte, 10)
			if _, err := io.ReadFull(image, first); err != nil {
				t.Fatal(err)
			}
			dbtest.Mutate(t, path, 4, 20) // would wait for the lock
			rest, err := io.ReadAll(image)
			if err != nil {
				t.Fatal(err)
			}
			checkSame(t, "image", append(first, rest...), want)
		})
	}
}

func TestChangesBetweenThePasses(t *testing.T) {
	t.Parallel()
	change := map[string]string{
		"Shrink":   "DELETE FROM posts; VACUUM",
		"Grow":     "INSERT INTO sessions SELECT token || 'x', author, randomblob(9000) FROM sessions",
		"PageSize": "PRAGMA page_size = 1024; VACUUM",
		"WAL":      "PRAGMA journal_mode = WAL; DELETE FROM posts",
	}
	for name, query := range change {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := newDB(t, dbtest.Options{})
			image := openImage(t, path, sqlite.WithMemoryLimit(sqlite.Options{}, 1))
			before := image.Fingerprint()
			sqlite.TwoPasses(t, image, func(*os.File) {}, func(*os.File) {
				db := dbtest.Open(t, path)
				defer db.Close()
				dbtest.Exec(t, db, query)
			})
			got, err := io.ReadAll(image)
			if err != nil {
				t.Fatal(err)
			}
			checkSame(t, "image", got, content(t, path))
			if image.Unchanged(before) {
				t.Error("the fingerprint is still the one from before the change")
			}
			if got, want := image.Info().Size, int64(len(got)); got != want {
				t.Errorf("size: got %d, want %d", got, want)
			}
		})
	}
}

func TestSpoolCannotBeWritten(t *testing.T) {
	t.Parallel()
	path := newDB(t, dbtest.Options{})
	o := sqlite.WithMemoryLimit(sqlite.Options{TempDir: filepath.Join(t.TempDir(), "missing")}, 1)
	checkSame(t, "image", readImage(t, path, o), content(t, path))
	fine := func(*os.File) {}
	fails := func(spool *os.File) { spool.Close() }
	failsLater := func(spool *os.File) {
		spool.Close()
		dbtest.Mutate(t, path, 5, 10) // for the second pass to have something to write
	}
	for _, pass := range [][2]func(*os.File){{fails, fine}, {fine, failsLater}} {
		image := openImage(t, path, sqlite.WithMemoryLimit(sqlite.Options{}, 1))
		sqlite.TwoPasses(t, image, pass[0], pass[1])
		got, err := io.ReadAll(image)
		if err != nil {
			t.Fatal(err)
		}
		checkSame(t, "image", got, content(t, path))
	}
}

func TestNothingLeftInTempDir(t *testing.T) {
	t.Parallel()
	for _, o := range []sqlite.Options{sqlite.WithMemoryLimit(sqlite.Options{}, 1), {Compact: true}} {
		o.TempDir = t.TempDir()
		path := newDB(t, dbtest.Options{})
		for range 2 {
			image := openImage(t, path, o)
			if _, err := image.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			if err := image.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if files := folder(t, o.TempDir); len(files) > 0 {
			t.Errorf("left behind: %v", slicesOf(files))
		}
	}
}

func slicesOf(files map[string]string) []string {
	var names []string
	for name := range files {
		names = append(names, name)
	}
	return names
}

func TestCancel(t *testing.T) {
	t.Parallel()
	for _, wal := range []bool{false, true} {
		for name, way := range ways() {
			t.Run(fmt.Sprintf("wal=%v,%s", wal, name), func(t *testing.T) {
				t.Parallel()
				path := newDB(t, dbtest.Options{WAL: wal})
				ctx, cancel := context.WithCancel(t.Context())
				image, err := sqlite.Open(ctx, path, way)
				if err != nil {
					t.Fatal(err)
				}
				defer image.Close()
				cancel()
				for range 2 { // the error stays
					if n, err := image.Read(make([]byte, 100)); n != 0 || !errors.Is(err, context.Canceled) {
						t.Errorf("read after cancel: got %d, %v, want 0, %v", n, err, context.Canceled)
					}
				}
				if _, err := sqlite.Open(ctx, path, way); !errors.Is(err, context.Canceled) {
					t.Errorf("open after cancel: got %v, want %v", err, context.Canceled)
				}
			})
		}
	}
}

func TestReadAfterClose(t *testing.T) {
	t.Parallel()
	image := openImage(t, newDB(t, dbtest.Options{}), sqlite.Options{})
	if err := image.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := image.Read(make([]byte, 1)); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("read: got %v, want %v", err, fs.ErrClosed)
	}
	if err := image.Close(); err != nil {
		t.Errorf("close again: got %v, want nil", err)
	}
}

// connected leaves an application connected, with a WAL that is not in the file yet.
func connected(t *testing.T, path string) {
	db := dbtest.Open(t, path)
	t.Cleanup(func() { db.Close() })
	dbtest.Exec(t, db, "PRAGMA wal_autocheckpoint = 0; UPDATE ledger_a SET amount = 1")
}

func TestSourceUntouched(t *testing.T) {
	t.Parallel()
	// An empty WAL says nothing of a crash, and is removed. A writer that is killed while it closes has removed -shm already; the
	// next connection makes it anew, and leaves it beside the WAL.
	crashed := func(path string) bool {
		wal, err := os.Stat(path + "-wal")
		_, shm := os.Stat(path + "-shm")
		return err == nil && wal.Size() > 0 && shm == nil
	}
	crash := func(t *testing.T, path string) {
		for seed := uint64(9); !crashed(path); seed++ { // a seed for each writer, because rows of another writer may stay
			dbtest.StartWriter(t, path, seed).Kill()
		}
	}
	states := map[string]func(t *testing.T, path string){
		"Closed": func(*testing.T, string) {}, "Connected": connected, "Crashed": crash,
	}
	options := ways()
	options["Compact"] = sqlite.Options{Compact: true}
	for state, prepare := range states {
		for name, o := range options {
			for _, wal := range []bool{false, true} {
				if state == "Crashed" && !wal {
					continue // SQLite rolls a hot journal back before anyone can read
				}
				t.Run(fmt.Sprintf("%s,%s,wal=%v", state, name, wal), func(t *testing.T) {
					t.Parallel()
					path := newDB(t, dbtest.Options{WAL: wal})
					prepare(t, path)
					before := folder(t, filepath.Dir(path))
					readImage(t, path, o)
					if _, err := sqlite.CountRows(t.Context(), path); err != nil {
						t.Error(err)
					}
					if after := folder(t, filepath.Dir(path)); !maps.Equal(before, after) {
						t.Errorf("folder: got %v, want %v", slicesOf(after), slicesOf(before))
					}
				})
			}
		}
	}
}

func TestSymbolicLink(t *testing.T) {
	t.Parallel()
	path := newDB(t, dbtest.Options{WAL: true})
	db := dbtest.Open(t, path)
	defer db.Close()
	dbtest.Exec(t, db, "UPDATE ledger_a SET amount = 1; UPDATE ledger_b SET amount = 1")
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Skip(err)
	}
	image := readImage(t, link, sqlite.Options{})
	if files := folder(t, filepath.Dir(link)); len(files) != 1 {
		t.Errorf("beside the link: %v", slicesOf(files))
	}
	db.Close()
	checkSame(t, "image", image, content(t, path))
}

func TestCompact(t *testing.T) {
	t.Parallel()
	for _, wal := range []bool{false, true} {
		path := newDB(t, dbtest.Options{WAL: wal, PageSize: 1024})
		db := dbtest.Open(t, path)
		dbtest.Exec(t, db, "PRAGMA user_version = 3; DELETE FROM posts WHERE id % 2 = 0")
		db.Close()
		pages := openImage(t, path, sqlite.Options{}).Info()
		image := openImage(t, path, sqlite.Options{Compact: true})
		got, err := io.ReadAll(image)
		if err != nil {
			t.Fatal(err)
		}
		info := image.Info()
		if info.Size != int64(len(got)) || info.Size >= pages.Size {
			t.Errorf("size: got %d, read %d, want less than %d", info.Size, len(got), pages.Size)
		}
		info.PageCount, info.Size = pages.PageCount, pages.Size
		if info != pages {
			t.Errorf("info: got %+v, want %+v", info, pages)
		}
		if want := content(t, path); !bytes.Equal(got[18:20], want[18:20]) {
			t.Errorf("journal mode bytes: got %v, want %v", got[18:20], want[18:20])
		}
		copied := writeFile(t, "", got)
		if err := sqlite.Check(t.Context(), copied); err != nil {
			t.Error(err)
		}
		dbtest.CheckInvariant(t, copied)
	}
}

// TestNoTables checks that a database without tables is a database, unlike a file of zero bytes.
func TestNoTables(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "app.db")
	db := dbtest.Open(t, path)
	dbtest.Exec(t, db, "PRAGMA user_version = 1")
	db.Close()
	checkSame(t, "image", readImage(t, path, sqlite.Options{}), content(t, path))
	readImage(t, path, sqlite.Options{Compact: true})
}
