package sqlite_test

import (
	"database/sql"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"firn/internal/dbtest"
	"firn/sqlite"
)

// asStranger runs f with the file permissions of a user without any files. The permissions belong to the thread, not
// the process.
func asStranger(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := syscall.Setfsuid(65534); err != nil {
		t.Fatal(err)
	}
	defer syscall.Setfsuid(0)
	f()
}

// sharedDB makes a database that all users may read and only its owner may write.
func sharedDB(t *testing.T, o dbtest.Options) string {
	t.Helper()
	path := newDB(t, o)
	dir := filepath.Dir(path)
	for _, allow := range []struct {
		path string
		mode fs.FileMode
	}{{filepath.Dir(dir), 0o755}, {dir, 0o755}, {path, 0o644}} {
		if err := os.Chmod(allow.path, allow.mode); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func TestReadOnlyUser(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		wal     bool
		prepare func(t *testing.T, path string)
		want    error
	}{
		"Rollback":   {false, func(*testing.T, string) {}, nil},
		"WALRunning": {true, connected, nil},
		"WALCrashed": {true, func(t *testing.T, path string) { dbtest.StartWriter(t, path, 1).Kill() }, nil},
		"WALClosed":  {true, func(*testing.T, string) {}, nil},
		"NotReadable": {false, func(t *testing.T, path string) {
			if err := os.Chmod(path, 0o600); err != nil {
				t.Fatal(err)
			}
		}, fs.ErrPermission},
		"HotJournal": {false, hotJournal, fs.ErrPermission},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := sharedDB(t, dbtest.Options{WAL: test.wal})
			test.prepare(t, path)
			before := folder(t, filepath.Dir(path))
			var image []byte
			asStranger(t, func() {
				i, err := sqlite.Open(t.Context(), path, sqlite.Options{})
				if !errors.Is(err, test.want) {
					t.Errorf("got %v, want %v", err, test.want)
				}
				if err == nil {
					defer i.Close()
					image = readAll(t, i)
				}
			})
			if after := folder(t, filepath.Dir(path)); !maps.Equal(before, after) {
				t.Errorf("folder: got %v, want %v as before", slicesOf(after), slicesOf(before))
			}
			if test.want == nil {
				checkSame(t, "image", image, content(t, path))
			}
		})
	}
}

// hotJournal leaves the files of a crash in the middle of a commit.
func hotJournal(t *testing.T, path string) {
	crashed := path + ".crashed"
	db := dbtest.Open(t, path)
	defer db.Close()
	dbtest.Exec(t, db, "PRAGMA cache_size = 5; BEGIN; UPDATE posts SET body = body || 'x'")
	writeFile(t, crashed, readFile(t, path))
	writeFile(t, crashed+"-journal", readFile(t, path+"-journal"))
	dbtest.Exec(t, db, "ROLLBACK")
	for _, suffix := range []string{"", "-journal"} {
		if err := errors.Join(os.Rename(crashed+suffix, path+suffix), os.Chmod(path+suffix, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRestoreReadOnlyUser(t *testing.T) {
	t.Parallel()
	path := sharedDB(t, dbtest.Options{})
	image := writeFile(t, path+".staged", content(t, path))
	if err := os.Chmod(image, 0o666); err != nil {
		t.Fatal(err)
	}
	asStranger(t, func() {
		if _, err := sqlite.Restore(t.Context(), path, image, sqlite.RestoreOptions{}); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("got %v, want %v", err, fs.ErrPermission)
		}
	})
}

// TestWrittenWithoutLock has an application write a database while another user reads it without the right to make
// the files for its locks.
func TestWrittenWithoutLock(t *testing.T) {
	t.Parallel()
	const write = "PRAGMA wal_autocheckpoint = 0; UPDATE ledger_a SET amount = 7; UPDATE ledger_b SET amount = 7;"
	tests := map[string]struct {
		prepare func(t *testing.T, path string)
		change  string
		want    error
	}{
		"Closed/Nothing":     {func(*testing.T, string) {}, "SELECT 1", nil},
		"Closed/Commit":      {func(*testing.T, string) {}, write, nil}, // the commit is in the WAL, and later than the image
		"Closed/Checkpoint":  {func(*testing.T, string) {}, write + "PRAGMA wal_checkpoint(PASSIVE)", sqlite.ErrChanged},
		"Crashed/Commit":     {crashedNoShm, write, nil},
		"Crashed/Checkpoint": {crashedNoShm, write + "PRAGMA wal_checkpoint(PASSIVE)", sqlite.ErrChanged},
		"Crashed/Truncate":   {crashedNoShm, write + "PRAGMA wal_checkpoint(TRUNCATE)", sqlite.ErrChanged},
		"Crashed/Rollback":   {crashedNoShm, "PRAGMA journal_mode = DELETE", sqlite.ErrChanged},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := sharedDB(t, dbtest.Options{WAL: true})
			test.prepare(t, path)
			asStranger(t, func() {
				image := openImage(t, path, sqlite.WithMemoryLimit(sqlite.Options{Now: later}, 1))
				if got := image.Info().JournalMode; got != "wal" {
					t.Errorf("journal mode: got %s, want wal", got)
				}
				partly(t, image)
				var db *sql.DB
				elsewhere(func() {
					db = dbtest.Open(t, path)
					dbtest.Exec(t, db, test.change)
				})
				_, err := io.Copy(io.Discard, image)
				if !errors.Is(err, test.want) {
					t.Errorf("got %v, want %v", err, test.want)
				}
				elsewhere(func() { db.Close() })
			})
		})
	}
}

// elsewhere runs f on a thread with the process's own rights, and waits for it.
func elsewhere(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

// crashedNoShm leaves a WAL without -shm, as a copy of an application's files does.
func crashedNoShm(t *testing.T, path string) {
	crashedFiles(t, path)
	if err := errors.Join(os.Remove(path+"-shm"), os.Chmod(path+"-wal", 0o644)); err != nil {
		t.Fatal(err)
	}
}

// TestExclusiveApplication has an application that lets no other process into its database, and so needs no -shm. The
// database is not read without a lock, since its WAL may begin anew at any time.
func TestExclusiveApplication(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	path, app := sharedDB(t, dbtest.Options{}), &person{}
	startPersons(t, app)
	app.must(t, "hold", path, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; UPDATE ledger_a SET amount = 7")
	if exists(path+"-shm") || !exists(path+"-wal") {
		t.Fatal("the application has not only a WAL")
	}
	asStranger(t, func() {
		_, err := sqlite.Open(t.Context(), path, sqlite.Options{Now: later, BusyTimeout: time.Millisecond})
		if !errors.Is(err, sqlite.ErrBusy) {
			t.Errorf("got %v, want %v", err, sqlite.ErrBusy)
		}
	})
}
