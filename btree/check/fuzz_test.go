package check_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"firn/btree/check"
	"firn/internal/dbtest"
)

// FuzzCheck checks bytes that need not be a database. The check ends, and has findings or none.
func FuzzCheck(f *testing.F) {
	path := small(f)
	f.Add(read(f, path))
	f.Fuzz(func(t *testing.T, image []byte) {
		r, err := check.Check(t.Context(), bytes.NewReader(image), int64(len(image)), check.Options{Workers: 2})
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range r.Findings {
			if found.Kind == "" || found.String() == "" {
				t.Errorf("a finding without a text: %+v", found)
			}
		}
	})
}

// FuzzDifference compares bytes that need not be a database with a sound one.
func FuzzDifference(f *testing.F) {
	path := small(f)
	old := read(f, path)
	db := dbtest.Open(f, path)
	dbtest.Exec(f, db, "UPDATE a SET c = c + 1000 WHERE id < 20; INSERT INTO w VALUES ('x', 1)")
	db.Close()
	f.Add(read(f, path))
	f.Fuzz(func(t *testing.T, image []byte) {
		if _, err := check.Difference(t.Context(), imageOf(old), imageOf(image), cover(old, image, 512), check.Options{}); err != nil {
			t.Fatal(err)
		}
	})
}

// small creates a database of some kilobytes.
func small(f *testing.F) string {
	path := filepath.Join(f.TempDir(), "a.db")
	db := dbtest.Open(f, path)
	dbtest.Exec(f, db, `PRAGMA page_size = 512; PRAGMA auto_vacuum = 1;
		CREATE TABLE a (id INTEGER PRIMARY KEY, b TEXT NOT NULL, c REAL UNIQUE);
		CREATE TABLE w (a TEXT COLLATE NOCASE, b, PRIMARY KEY (b, a)) WITHOUT ROWID;
		CREATE INDEX a_b ON a (b DESC, c);
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 30) INSERT INTO a SELECT i, hex(randomblob(i)), i / 4.0 FROM n;
		INSERT INTO w SELECT b, c FROM a; DELETE FROM a WHERE id % 3 = 0; INSERT INTO a VALUES (100, hex(zeroblob(900)), NULL)`)
	db.Close()
	return path
}
