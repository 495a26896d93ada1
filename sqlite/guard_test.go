package sqlite_test

import (
	"io"
	"os"
	"testing"

	"firn/internal/dbtest"
	"firn/sqlite"
)

// TestLastToClose has an application open, write and close a database while an image of it is read. The image's
// connection is the last to close then, and without the guard SQLite would checkpoint and remove the WAL.
func TestLastToClose(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*testing.T, string){
		"Closed":  func(*testing.T, string) {},
		"Crashed": func(t *testing.T, path string) { dbtest.StartWriter(t, path, 3).Kill() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := newDB(t, dbtest.Options{WAL: true})
			prepare(t, path)
			image := openImage(t, path, sqlite.Options{})
			partly(t, image)
			before := readFile(t, path)
			db := dbtest.Open(t, path)
			dbtest.Exec(t, db, "PRAGMA wal_autocheckpoint = 0; UPDATE ledger_a SET amount = 7; UPDATE ledger_b SET amount = 7")
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			readAll(t, image)
			if err := image.Close(); err != nil {
				t.Fatal(err)
			}
			checkSame(t, "database file", readFile(t, path), before)
			if info, err := os.Stat(path + "-wal"); err != nil || info.Size() == 0 {
				t.Errorf("the WAL that the application has left: got %v, want it", err)
			}
			dbtest.CheckInvariant(t, path)
			checkLedger(t, path, 7)
		})
	}
}

// checkLedger compares the first amount in a database.
func checkLedger(t *testing.T, path string, want int) {
	t.Helper()
	db := dbtest.Open(t, path)
	defer db.Close()
	var got int
	if err := db.QueryRow("SELECT amount FROM ledger_a").Scan(&got); err != nil || got != want {
		t.Errorf("amount: got %d, %v, want %d", got, err, want)
	}
}

// partly reads one byte of an image.
func partly(t *testing.T, image io.Reader) {
	t.Helper()
	if _, err := image.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
}
