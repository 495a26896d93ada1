package check_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"firn/btree/check"
	"firn/internal/dbtest"
)

func TestSound(t *testing.T) {
	t.Parallel()
	for _, o := range []dbtest.Options{{}, {PageSize: 512}, {PageSize: 512, AutoVacuum: 1, Rows: 2000}, {PageSize: 65536, AutoVacuum: 2}, {PageSize: 1024, Rows: 5000}} {
		path := filepath.Join(t.TempDir(), "a.db")
		dbtest.Create(t, path, o)
		dbtest.Mutate(t, path, 1, 100)
		b := read(t, path)
		r, err := check.Check(t.Context(), bytes.NewReader(b), int64(len(b)), check.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Log(len(b), r.Findings, r.Left)
		if len(r.Findings) > 0 {
			t.Error("findings")
		}
	}
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRowsAndEntriesThatDiffer(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	db := dbtest.Open(t, path)
	dbtest.Exec(t, db, `CREATE TABLE t (id INTEGER PRIMARY KEY, a); CREATE INDEX i ON t (a);
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 5000) INSERT INTO t SELECT i, 'text ' || i FROM n;
		PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'CREATE INDEX i ON t (a) WHERE 0' WHERE name = 'i'`)
	db.Close()
	db = dbtest.Open(t, path)
	dbtest.Exec(t, db, `DELETE FROM t WHERE id = 7; UPDATE t SET a = 'other' WHERE id = 4000; INSERT INTO t VALUES (6000, 'new');
		PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'CREATE INDEX i ON t (a)' WHERE name = 'i'`)
	db.Close()
	b := read(t, path)
	r, err := check.Check(t.Context(), bytes.NewReader(b), int64(len(b)), check.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range r.Findings {
		f.Page = 0
		got = append(got, f.String())
	}
	want := []string{
		"index i: entries differ from the rows",
		"index i: row 7: an entry of the index has no such row",
		"index i: row 4000: an entry of the index has no such row",
		"index i: row 4000: a row is missing from the index",
		"index i: row 6000: a row is missing from the index",
	}
	if !slices.Equal(got, want) {
		t.Errorf("findings: got %q, want %q", got, want)
	}
}

// TestEndsEarly ends a check by its context, and by a reader that fails.
func TestEndsEarly(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	dbtest.Create(t, path, dbtest.Options{Rows: 1000})
	b := read(t, path)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := check.Check(ctx, bytes.NewReader(b), int64(len(b)), check.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v, want %v", err, context.Canceled)
	}
	for failing := int64(0); failing < int64(len(b)); failing += 4096 * 7 {
		_, err := check.Check(t.Context(), failingReader{b, failing}, int64(len(b)), check.Options{})
		if err != nil && !errors.Is(err, errDisk) {
			t.Errorf("page %d: got %v, want %v", failing/4096+1, err, errDisk)
		}
	}
}

var errDisk = errors.New("the disk is away")

// failingReader fails where a byte is read.
type failingReader struct {
	b  []byte
	at int64
}

func (r failingReader) ReadAt(b []byte, offset int64) (int, error) {
	if offset <= r.at && r.at < offset+int64(len(b)) {
		return 0, errDisk
	}
	return copy(b, r.b[offset:]), nil
}
