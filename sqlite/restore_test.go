package sqlite_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"firn/internal/dbtest"
	"firn/sqlite"
)

// mustRestore restores an image and checks that the target is equal to it.
func mustRestore(t testing.TB, target string, image []byte, o sqlite.RestoreOptions) *sqlite.RestoreResult {
	t.Helper()
	result, err := tryRestore(t, target, image, o)
	if err != nil {
		t.Fatal(err)
	}
	checkRestored(t, target, image)
	if got, want := result.PageCount, int64(len(image)/pageSize(image)); got != want {
		t.Errorf("page count: got %d, want %d", got, want)
	}
	return result
}

func tryRestore(t testing.TB, target string, image []byte, o sqlite.RestoreOptions) (*sqlite.RestoreResult, error) {
	t.Helper()
	staged := writeFile(t, target+".staged", image)
	defer os.Remove(staged)
	return sqlite.Restore(t.Context(), target, staged, o)
}

// TestRestoreNeverCheckpoints restores more pages than SQLite itself leaves in a WAL, by either method.
func TestRestoreNeverCheckpoints(t *testing.T) {
	t.Parallel()
	for name, autoVacuum := range map[string]int{sqlite.MethodDelta: 0, sqlite.MethodBackup: 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := dbtest.Options{WAL: true, PageSize: 512, Rows: 700, AutoVacuum: autoVacuum}
			target := newDB(t, options)
			options.Seed = 1
			image := content(t, newDB(t, options))
			connected(t, target)
			before := readFile(t, target)
			result := mustRestore(t, target, image, sqlite.RestoreOptions{})
			if result.Method != name || result.PagesWritten < 1000 {
				t.Fatalf("got %+v, want 1000 pages by method %s", result, name)
			}
			checkSame(t, "file below the WAL", readFile(t, target), before)
		})
	}
}

// checkRestored compares a database with an image, except for the header fields that a restore does not take from it.
func checkRestored(t testing.TB, target string, image []byte) {
	t.Helper()
	checkSame(t, "restored database", masked(readImage(t, target, sqlite.Options{})), masked(image))
	dbtest.Integrity(t, target)
	dbtest.CheckInvariant(t, target)
}

func masked(image []byte) []byte {
	b := bytes.Clone(image)
	for _, field := range [][2]int{{18, 20}, {24, 28}, {40, 44}, {92, 100}} {
		clear(b[field[0]:field[1]])
	}
	return b
}

func pageSize(image []byte) int {
	if n := int(image[16])<<8 | int(image[17]); n > 1 {
		return n
	}
	return 65536
}

// diverge makes random changes, even to the schema.
func diverge(t testing.TB, path string, r *rand.Rand) {
	t.Helper()
	changes := []string{
		"CREATE TABLE other (a, b); INSERT INTO other SELECT id, body FROM posts",
		"CREATE INDEX posts_body ON posts (body)",
		"DROP TABLE sessions",
		"DROP INDEX posts_slug",
		"VACUUM",
		"DELETE FROM posts WHERE id > 20; VACUUM",
		"DELETE FROM posts; PRAGMA incremental_vacuum",
		"INSERT INTO posts (author, slug, body) SELECT author, slug || 'x', body || body FROM posts",
		"ALTER TABLE users ADD COLUMN late TEXT DEFAULT 'x'",
		"PRAGMA user_version = 99",
		"UPDATE ledger_a SET amount = 0; UPDATE ledger_b SET amount = 0",
	}
	dbtest.Mutate(t, path, r.Uint64(), 10)
	db := dbtest.Open(t, path)
	defer db.Close()
	r.Shuffle(len(changes), func(i, j int) { changes[i], changes[j] = changes[j], changes[i] })
	for _, change := range changes[:2+r.IntN(4)] {
		dbtest.Exec(t, db, change)
	}
}

func TestRestore(t *testing.T) {
	t.Parallel()
	for n, size := range []int{512, 1024, 4096, 16384, 65536} {
		for vacuum := range 3 {
			for _, wal := range []bool{false, true} {
				t.Run(fmt.Sprintf("page=%d,vacuum=%d,wal=%v", size, vacuum, wal), func(t *testing.T) {
					t.Parallel()
					r := rand.New(rand.NewPCG(uint64(n*10+vacuum), 0))
					path := newDB(t, dbtest.Options{PageSize: size, WAL: wal, AutoVacuum: vacuum, Rows: 80})
					image := readImage(t, path, sqlite.Options{})
					want := sqlite.MethodDelta
					if vacuum == 1 {
						want = sqlite.MethodBackup
					}
					for range 3 {
						diverge(t, path, r)
						if got := mustRestore(t, path, image, sqlite.RestoreOptions{}).Method; got != want {
							t.Errorf("method: got %s, want %s", got, want)
						}
					}
				})
			}
		}
	}
}

// TestRestoreAnother restores images of databases that are unrelated to the target.
func TestRestoreAnother(t *testing.T) {
	t.Parallel()
	for _, wal := range []bool{false, true} {
		for live := range 3 {
			for vacuum := range 3 {
				t.Run(fmt.Sprintf("wal=%v,vacuum=%d to %d", wal, vacuum, live), func(t *testing.T) {
					t.Parallel()
					from := newDB(t, dbtest.Options{Seed: 1, AutoVacuum: vacuum, Rows: 60, WAL: !wal})
					path := newDB(t, dbtest.Options{Seed: 2, AutoVacuum: live, Rows: 100, WAL: wal})
					app := dbtest.Open(t, path) // the application has read the schema, with its setting of auto_vacuum
					defer app.Close()
					dbtest.Exec(t, app, "DELETE FROM posts WHERE id < 10")
					mode := openMode(t, path)
					mustRestore(t, path, readImage(t, from, sqlite.Options{}), sqlite.RestoreOptions{})
					if got := openMode(t, path); got != mode {
						t.Errorf("journal mode: got %s, want %s", got, mode)
					}
					dbtest.Exec(t, app, "DELETE FROM posts WHERE id < 30; CREATE TABLE later AS SELECT * FROM users")
					dbtest.Integrity(t, path)
				})
			}
		}
	}
}

func openMode(t testing.TB, path string) string {
	t.Helper()
	image := openImage(t, path, sqlite.Options{})
	defer image.Close()
	return image.Info().JournalMode
}

func TestRestoreNothingToDo(t *testing.T) {
	t.Parallel()
	for _, wal := range []bool{false, true} {
		path := newDB(t, dbtest.Options{WAL: wal})
		image := readImage(t, path, sqlite.Options{})
		copy(image[18:20], "\x01\x01")
		copy(image[24:28], "\x00\x00\xff\x00")
		before := folder(t, filepath.Dir(path))
		if got := mustRestore(t, path, image, sqlite.RestoreOptions{}).PagesWritten; got != 0 {
			t.Errorf("pages written: got %d, want 0", got)
		}
		if after := folder(t, filepath.Dir(path)); !maps.Equal(before, after) {
			t.Errorf("wal=%v: the folder has changed", wal)
		}
	}
}

func TestRestoreOnlyWhatDiffers(t *testing.T) {
	t.Parallel()
	path := newDB(t, dbtest.Options{WAL: true})
	image := readImage(t, path, sqlite.Options{})
	db := dbtest.Open(t, path)
	dbtest.Exec(t, db, "UPDATE ledger_a SET amount = 5 WHERE account = 1")
	db.Close()
	if got := mustRestore(t, path, image, sqlite.RestoreOptions{}).PagesWritten; got != 2 {
		t.Errorf("pages written: got %d, want the changed one and the first", got)
	}
}

func TestRestoreMissing(t *testing.T) {
	t.Parallel()
	for _, wal := range []bool{false, true} {
		image := readImage(t, newDB(t, dbtest.Options{WAL: wal}), sqlite.Options{})
		target := filepath.Join(t.TempDir(), "new.db")
		staged := writeFile(t, target+".staged", image)
		result, err := sqlite.Restore(t.Context(), target, staged, sqlite.RestoreOptions{Mode: 0o640})
		if err != nil {
			t.Fatal(err)
		}
		if result.Method != sqlite.MethodFile {
			t.Errorf("method: got %s, want %s", result.Method, sqlite.MethodFile)
		}
		if names := slicesOf(folder(t, filepath.Dir(target))); len(names) != 1 {
			t.Errorf("files: got %v, want new.db alone", names)
		}
		checkSame(t, "restored file", readFile(t, target), image)
		info, err := os.Stat(target)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != 0o640 {
			t.Errorf("mode: got %v, want 0640", got)
		}
	}
}

func TestRestoreRefusesSidecars(t *testing.T) {
	t.Parallel()
	image := readImage(t, newDB(t, dbtest.Options{}), sqlite.Options{})
	for _, suffix := range []string{"-wal", "-shm", "-journal"} {
		target := filepath.Join(t.TempDir(), "new.db")
		writeFile(t, target+suffix, []byte("x"))
		_, err := tryRestore(t, target, image, sqlite.RestoreOptions{})
		if !errors.Is(err, sqlite.ErrSidecar) {
			t.Errorf("%s: got %v, want %v", suffix, err, sqlite.ErrSidecar)
		}
		if names := slicesOf(folder(t, filepath.Dir(target))); len(names) != 1 {
			t.Errorf("files: got %v, want new.db%s alone", names, suffix)
		}
	}
}

func TestRestoreEmptyFile(t *testing.T) {
	t.Parallel()
	for _, wal := range []bool{false, true} {
		image := readImage(t, newDB(t, dbtest.Options{WAL: wal, PageSize: 1024}), sqlite.Options{})
		target := writeFile(t, filepath.Join(t.TempDir(), "new.db"), nil)
		if got := mustRestore(t, target, image, sqlite.RestoreOptions{}).Method; got != sqlite.MethodBackup {
			t.Errorf("method: got %s, want %s", got, sqlite.MethodBackup)
		}
		if got, want := readFile(t, target)[18:20], image[18:20]; !bytes.Equal(got, want) {
			t.Errorf("journal mode bytes: got %v, want %v", got, want)
		}
	}
	target := writeFile(t, filepath.Join(t.TempDir(), "new.db"), nil)
	writeFile(t, target+"-wal", []byte("x"))
	image := readImage(t, newDB(t, dbtest.Options{}), sqlite.Options{})
	if _, err := tryRestore(t, target, image, sqlite.RestoreOptions{}); !errors.Is(err, sqlite.ErrSidecar) {
		t.Errorf("with a WAL: got %v, want %v", err, sqlite.ErrSidecar)
	}
}

func TestRestorePageSize(t *testing.T) {
	t.Parallel()
	image := readImage(t, newDB(t, dbtest.Options{PageSize: 8192, Seed: 4, WAL: true}), sqlite.Options{})
	t.Run("Rollback", func(t *testing.T) {
		t.Parallel()
		path := newDB(t, dbtest.Options{})
		app := dbtest.Open(t, path)
		defer app.Close()
		if got := mustRestore(t, path, image, sqlite.RestoreOptions{}).Method; got != sqlite.MethodBackup {
			t.Errorf("method: got %s, want %s", got, sqlite.MethodBackup)
		}
		dbtest.Exec(t, app, "DELETE FROM posts")
	})
	t.Run("WAL", func(t *testing.T) {
		t.Parallel()
		path := newDB(t, dbtest.Options{WAL: true})
		before := content(t, path)
		if _, err := tryRestore(t, path, image, sqlite.RestoreOptions{}); !errors.Is(err, sqlite.ErrPageSize) {
			t.Errorf("got %v, want %v", err, sqlite.ErrPageSize)
		}
		checkSame(t, "target", readFile(t, path), before)
	})
	t.Run("Offline", func(t *testing.T) {
		t.Parallel()
		path := newDB(t, dbtest.Options{WAL: true})
		mustRestore(t, path, image, sqlite.RestoreOptions{Offline: true})
		if got := openMode(t, path); got != "wal" {
			t.Errorf("journal mode: got %s, want wal", got)
		}
	})
	t.Run("OfflineButConnected", func(t *testing.T) {
		t.Parallel()
		path := newDB(t, dbtest.Options{WAL: true})
		app := dbtest.Open(t, path)
		defer app.Close()
		dbtest.Exec(t, app, "UPDATE ledger_a SET amount = amount")
		o := sqlite.RestoreOptions{Offline: true, BusyTimeout: 50 * time.Millisecond}
		if _, err := tryRestore(t, path, image, o); !errors.Is(err, sqlite.ErrBusy) {
			t.Errorf("got %v, want %v", err, sqlite.ErrBusy)
		}
		if got := openMode(t, path); got != "wal" {
			t.Errorf("journal mode: got %s, want wal", got)
		}
	})
}

func TestRestoreReservedBytes(t *testing.T) {
	t.Parallel()
	plain, reserved := newDB(t, dbtest.Options{}), newDB(t, dbtest.Options{Seed: 1})
	sqlite.Reserve(t, reserved, 32)
	for _, targets := range [][2]string{{plain, reserved}, {reserved, plain}} {
		image := readImage(t, targets[0], sqlite.Options{})
		target := writeFile(t, filepath.Join(t.TempDir(), "app.db"), readFile(t, targets[1]))
		if got := mustRestore(t, target, image, sqlite.RestoreOptions{}).Method; got != sqlite.MethodBackup {
			t.Errorf("method: got %s, want %s", got, sqlite.MethodBackup)
		}
		dbtest.Mutate(t, target, 1, 30)
		dbtest.Integrity(t, target)
	}
}

// TestRestoreUnderApplication restores while one application is connected, and another is writing.
func TestRestoreUnderApplication(t *testing.T) {
	t.Parallel()
	for _, wal := range []bool{false, true} {
		for vacuum := range 2 {
			t.Run(fmt.Sprintf("wal=%v,vacuum=%d", wal, vacuum), func(t *testing.T) {
				t.Parallel()
				path := newDB(t, dbtest.Options{WAL: wal, AutoVacuum: vacuum})
				image := readImage(t, path, sqlite.Options{})
				writer := dbtest.StartWriter(t, path, 5)
				app := dbtest.Open(t, path)
				defer app.Close()
				rows, err := app.Prepare("SELECT count(*), sum(amount) FROM ledger_a")
				if err != nil {
					t.Fatal(err)
				}
				for range 5 {
					if _, err := tryRestore(t, path, image, sqlite.RestoreOptions{}); err != nil {
						t.Fatal(err)
					}
					var count, sum int
					if err := rows.QueryRow().Scan(&count, &sum); err != nil || count != 16 {
						t.Errorf("prepared statement: got %d rows, %v, want 16", count, err)
					}
				}
				writer.Kill()
				dbtest.Integrity(t, path)
				dbtest.CheckInvariant(t, path)
				mustRestore(t, path, image, sqlite.RestoreOptions{})
				dbtest.Exec(t, app, "INSERT INTO ledger_a VALUES (100, 1)") // by the schema that the application read before
				dbtest.Integrity(t, path)
			})
		}
	}
}
