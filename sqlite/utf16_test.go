package sqlite_test

import (
	"errors"
	"strings"
	"testing"

	"firn/internal/dbtest"
	"firn/sqlite"
)

// SQLite answers in the encoding of the database, about itself too.
func TestUTF16(t *testing.T) {
	t.Parallel()
	path := built(t, "PRAGMA encoding = 'UTF-16le'; PRAGMA journal_mode = WAL; CREATE TABLE parent (id INTEGER PRIMARY KEY); CREATE TABLE child (p REFERENCES parent)")
	db := dbtest.Open(t, path)
	defer db.Close()
	dbtest.Exec(t, db, "INSERT INTO parent VALUES (1); INSERT INTO child VALUES (1)") // in the WAL
	image := openImage(t, path, sqlite.Options{})
	copied := writeFile(t, "", readAll(t, image))
	if got := image.Info().JournalMode; got != "wal" {
		t.Errorf("journal mode: got %q, want wal", got)
	}
	if err := sqlite.Check(t.Context(), copied); err != nil {
		t.Error(err)
	}
	target := built(t, "PRAGMA encoding = 'UTF-16le'; PRAGMA journal_mode = WAL; PRAGMA page_size = 1024; CREATE TABLE other (a)")
	if _, err := sqlite.Restore(t.Context(), target, copied, sqlite.RestoreOptions{Offline: true}); err != nil {
		t.Fatal(err)
	}
	checkTold(t, tell(t, target), tell(t, path))

	dbtest.Exec(t, db, "PRAGMA foreign_keys = OFF; INSERT INTO child VALUES (2)")
	err := sqlite.Check(t.Context(), writeFile(t, "", readImage(t, path, sqlite.Options{})))
	var found *sqlite.IntegrityError
	if !errors.As(err, &found) || !strings.Contains(err.Error(), "row 2 of table child refers to a missing row of table parent") {
		t.Errorf("got %v, want the row that refers to none", err)
	}
}
