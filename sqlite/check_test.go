package sqlite_test

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"firn/internal/dbtest"
	"firn/sqlite"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, wal := range []bool{false, true} {
		image := readImage(t, newDB(t, dbtest.Options{WAL: wal}), sqlite.Options{})
		path := writeFile(t, "", image)
		if err := sqlite.Check(t.Context(), path); err != nil {
			t.Errorf("wal=%v: %v", wal, err)
		}
		if names := slicesOf(folder(t, filepath.Dir(path))); len(names) != 1 {
			t.Errorf("files: got %v, want the image alone", names)
		}
	}
}

func TestCheckFinds(t *testing.T) {
	t.Parallel()
	damage := map[string]func(t *testing.T, path string){
		"Index": func(t *testing.T, path string) {
			db := dbtest.Open(t, path)
			defer db.Close()
			dbtest.Exec(t, db, `PRAGMA writable_schema = ON;
				UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'posts_slug') WHERE name = 'users_name'`)
		},
		"ForeignKey": func(t *testing.T, path string) {
			db := dbtest.Open(t, path)
			defer db.Close()
			dbtest.Exec(t, db, "UPDATE posts SET author = 100000 + id")
		},
		"ForeignKeyWithoutRowid": func(t *testing.T, path string) {
			db := dbtest.Open(t, path)
			defer db.Close()
			dbtest.Exec(t, db, "CREATE TABLE w (a PRIMARY KEY REFERENCES users) WITHOUT ROWID; INSERT INTO w VALUES (-1)")
		},
		"Constraint": func(t *testing.T, path string) {
			db := dbtest.Open(t, path)
			defer db.Close()
			dbtest.Exec(t, db, "CREATE TABLE c (a CHECK (a > 0)); PRAGMA ignore_check_constraints = 1; INSERT INTO c VALUES (-1)")
		},
		"ConstraintWAL": func(t *testing.T, path string) {
			db := dbtest.Open(t, path)
			dbtest.Exec(t, db, "PRAGMA journal_mode = WAL; CREATE TABLE c (a CHECK (a > 0)); PRAGMA ignore_check_constraints = 1; INSERT INTO c VALUES (-1)")
			db.Close()
		},
		"Page":   func(t *testing.T, path string) { overwrite(t, path, 5*4096) },
		"Schema": func(t *testing.T, path string) { overwrite(t, path, 100) },
		"Cut": func(t *testing.T, path string) {
			b := readFile(t, path)
			writeFile(t, path, b[:len(b)-4096])
		},
		"Appended": func(t *testing.T, path string) { writeFile(t, path, append(readFile(t, path), 0)) },
	}
	for name, break1 := range damage {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := newDB(t, dbtest.Options{})
			break1(t, path)
			err := sqlite.Check(t.Context(), path)
			var found *sqlite.IntegrityError
			if !errors.As(err, &found) || !errors.Is(err, sqlite.ErrCorrupt) {
				t.Fatalf("got %v, want an IntegrityError", err)
			}
			if n := len(found.Messages); n < 1 || n > 20 {
				t.Errorf("messages: got %d, want 1 to 20", n)
			}
		})
	}
}

// TestCheckInPart checks databases with parts that take the application's own SQLite, or that can be compared with
// nothing. These parts are reported, and all others are looked at.
func TestCheckInPart(t *testing.T) {
	t.Parallel()
	const collation = "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'NOCASE', 'ITS_OWN')"
	for name, tt := range map[string]struct{ sql, want string }{
		"Collation":     {"CREATE TABLE c (a TEXT COLLATE NOCASE PRIMARY KEY); INSERT INTO c VALUES ('a'), ('b');" + collation, "c: "},
		"Index":         {"CREATE TABLE c (a); CREATE INDEX i ON c (a COLLATE NOCASE); INSERT INTO c VALUES ('a');" + collation, "c: "},
		"MissingParent": {"CREATE TABLE c (a REFERENCES nowhere); INSERT INTO c VALUES (1), (2)", "foreign keys of table c: there is no table nowhere"},
		"Function":      {"CREATE TABLE c (a CHECK (lower(a) <> 'b')); INSERT INTO c VALUES ('a'); PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'lower', 'its_own')", "CHECK constraints of table c: "},
		"Mismatch":      {"CREATE TABLE p (a); CREATE TABLE c (a REFERENCES p (a)); INSERT INTO c VALUES (1)", "foreign keys of table c: foreign key mismatch"},
		"Tokenizer":     {"CREATE VIRTUAL TABLE f USING fts5(a, tokenize = 'porter'); INSERT INTO f VALUES ('a'); PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'porter', 'its_own') WHERE name = 'f'", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := newDB(t, dbtest.Options{})
			db := dbtest.Open(t, path)
			defer db.Close()
			dbtest.Exec(t, db, tt.sql)
			err := sqlite.Check(t.Context(), path)
			if partial, ok := errors.AsType[*sqlite.UncheckedError](err); !ok || !strings.Contains(partial.Error(), tt.want) {
				t.Fatalf("got %v, want that it is checked in part, and %q", err, tt.want)
			}
			// Check looks at the other tables all the same.
			dbtest.Exec(t, db, "PRAGMA writable_schema = RESET; UPDATE posts SET author = 100000 + id")
			if _, ok := errors.AsType[*sqlite.IntegrityError](sqlite.Check(t.Context(), path)); !ok {
				t.Error("a missing row of another table is not found")
			}
			dbtest.Exec(t, db, `UPDATE posts SET author = (SELECT min(id) FROM users); PRAGMA writable_schema = ON;
				UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'posts_slug') WHERE name = 'users_name'`)
			if _, ok := errors.AsType[*sqlite.IntegrityError](sqlite.Check(t.Context(), path)); !ok {
				t.Error("a damaged index of another table is not found")
			}
		})
	}
}

func overwrite(t *testing.T, path string, at int) {
	t.Helper()
	b := readFile(t, path)
	for i := range 3000 {
		b[at+i] = 0xff
	}
	writeFile(t, path, b)
}

func TestCheckNoDatabase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for path, want := range map[string]error{
		filepath.Join(dir, "missing"):                                      fs.ErrNotExist,
		writeFile(t, filepath.Join(dir, "empty"), nil):                     sqlite.ErrEmpty,
		writeFile(t, filepath.Join(dir, "text"), []byte("not a database")): sqlite.ErrNotDatabase,
		dir: sqlite.ErrNotFile,
	} {
		if err := sqlite.Check(t.Context(), path); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", filepath.Base(path), err, want)
		}
	}
}
