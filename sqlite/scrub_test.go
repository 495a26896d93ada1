package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"firn/internal/dbtest"
	"firn/sqlite"
)

// secret returns text that is in a database only where a test puts it.
func secret(n int) string { return fmt.Sprintf("zanzibar-%04d-quetzal", n) }

// newSecretDB makes a database with secrets in rows of all kinds, in rows that were deleted or overwritten, in
// indexes, full-text indexes and statistics.
func newSecretDB(t *testing.T, o dbtest.Options) string {
	t.Helper()
	path := newDB(t, o)
	db := dbtest.Open(t, path)
	defer db.Close()
	dbtest.Exec(t, db, `CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT, note TEXT);
		CREATE INDEX people_email ON people (email);
		CREATE TABLE keys (email TEXT PRIMARY KEY, n INTEGER) WITHOUT ROWID;
		CREATE VIRTUAL TABLE words USING fts5(body);
		CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1)`)
	inserts := "BEGIN;"
	for i := range 300 {
		inserts += fmt.Sprintf(`INSERT INTO people VALUES (%[1]d, '%[2]s', '%[2]s %[3]s');
			INSERT INTO keys VALUES ('%[2]s', %[1]d); INSERT INTO words(rowid, body) VALUES (%[1]d, '%[2]s');`,
			i, secret(i), strings.Repeat("long ", 1000*(i%7/6)))
	}
	dbtest.Exec(t, db, inserts+`COMMIT; ANALYZE; DELETE FROM people WHERE id % 3 = 0; DELETE FROM words WHERE rowid % 5 = 0;
		UPDATE people SET email = 'x', note = 'x' WHERE id % 3 = 1; DELETE FROM keys WHERE n % 2 = 0`)
	return path
}

// scrubbing removes every secret that is still in a row.
const scrubbing = `
-- What is left of people.
UPDATE people SET email = 'user' || id || '@example.org', note = NULL;
DELETE FROM keys;
UPDATE words SET body = 'nothing';
`

func TestScrub(t *testing.T) {
	t.Parallel()
	for _, o := range []dbtest.Options{{}, {WAL: true}, {PageSize: 1024, WAL: true, AutoVacuum: 1}, {PageSize: 65536}} {
		t.Run(fmt.Sprintf("page=%d,wal=%v", o.PageSize, o.WAL), func(t *testing.T) {
			t.Parallel()
			path := newSecretDB(t, o)
			dirty := readImage(t, path, sqlite.Options{})
			if !bytes.Contains(dirty, []byte("zanzibar")) || !bytes.Contains(dirty, []byte(secret(3))) {
				t.Fatal("the database does not hold what is to be scrubbed")
			}
			image := writeFile(t, path+".image", dirty)
			if err := sqlite.Scrub(t.Context(), image, scrubbing); err != nil {
				t.Fatal(err)
			}
			clean, err := os.ReadFile(image)
			if err != nil {
				t.Fatal(err)
			}
			if at := bytes.Index(clean, []byte("zanzibar")); at >= 0 {
				t.Errorf("a secret is left at %d of %d", at, len(clean))
			}
			if !bytes.Equal(clean[18:20], dirty[18:20]) || !bytes.Equal(clean[16:18], dirty[16:18]) {
				t.Error("journal mode or page size has changed")
			}
			if err := sqlite.Check(t.Context(), image); err != nil {
				t.Error(err)
			}
			onlyFile(t, image)
		})
	}
}

// onlyFile fails the test if a folder has files beside the given one and its database.
func onlyFile(t *testing.T, path string) {
	t.Helper()
	beside, err := filepath.Glob(path + "?*")
	if err != nil || len(beside) > 0 {
		t.Errorf("beside %s: got %v, %v, want nothing", filepath.Base(path), beside, err)
	}
}

func TestScrubBadScript(t *testing.T) {
	t.Parallel()
	path := newSecretDB(t, dbtest.Options{})
	dirty := readImage(t, path, sqlite.Options{})
	for name, tt := range map[string]struct {
		script string
		line   int // 0 where the error is not about a line
		says   string
	}{
		"NoTable":    {"-- One.\nDELETE FROM keys;\n\n  /* two */ DELETE FROM nowhere;\nDELETE FROM people", 4, "no such table: nowhere"},
		"Syntax":     {"DELETE FROM keys;\nDELETE WHERE", 2, "syntax error"},
		"Constraint": {"INSERT INTO people(id) VALUES (1), (1);", 1, "UNIQUE constraint failed"},
		"Open":       {"BEGIN; DELETE FROM keys;", 0, "leaves a transaction open"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			image := writeFile(t, filepath.Join(t.TempDir(), "image"), dirty)
			err := sqlite.Scrub(t.Context(), image, tt.script)
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Fatalf("got %v, want %q", err, tt.says)
			}
			se, ok := errors.AsType[*sqlite.StatementError](err)
			if ok != (tt.line > 0) || ok && se.Line != tt.line {
				t.Errorf("got %v, want an error in line %d", err, tt.line)
			}
			onlyFile(t, image)
		})
	}
}

func TestScrubInterrupted(t *testing.T) {
	t.Parallel()
	image := writeFile(t, filepath.Join(t.TempDir(), "image"), readImage(t, newSecretDB(t, dbtest.Options{}), sqlite.Options{}))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := sqlite.Scrub(ctx, image, scrubbing); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	onlyFile(t, image)
}

// TestScrubEmptyScript runs scripts without any statement, as after a loss on the way.
func TestScrubEmptyScript(t *testing.T) {
	t.Parallel()
	image := writeFile(t, filepath.Join(t.TempDir(), "image"), readImage(t, newSecretDB(t, dbtest.Options{}), sqlite.Options{}))
	for _, script := range []string{"", " \n-- nothing\n", ";;"} {
		err := sqlite.Scrub(t.Context(), image, script)
		if _, ok := errors.AsType[*sqlite.StatementError](err); !ok {
			t.Errorf("%q: got %v, want a StatementError", script, err)
		}
	}
	if err := sqlite.Scrub(t.Context(), image+"nowhere", "SELECT 1"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no image: got %v, want %v", err, fs.ErrNotExist)
	}
}
