package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"firn/internal/dbtest"
	"firn/sqlite"
)

func TestDumpSQLNoDatabase(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing.db")
	for path, want := range map[string]error{
		missing: fs.ErrNotExist,
		writeFile(t, "", []byte("not a database, however long it is made to be")): sqlite.ErrNotDatabase,
	} {
		var b bytes.Buffer
		err := sqlite.DumpSQL(t.Context(), path, &b)
		if !errors.Is(err, want) || strings.Contains(b.String(), "COMMIT") {
			t.Errorf("got error %v, want %v, and the script %q", err, want, b.String())
		}
	}
	if _, err := os.Stat(missing); err == nil {
		t.Error("a missing database was made")
	}
}

// hostile changes the text of a schema, as only a program that wants to do harm does.
func hostile(t testing.TB, statements, update string) string {
	t.Helper()
	path := built(t, statements)
	db := dbtest.Open(t, path)
	defer db.Close()
	dbtest.Exec(t, db, "PRAGMA writable_schema = ON; "+update)
	return path
}

// A line of the schema must not become a command of the shell.
func TestDumpSQLShellCommand(t *testing.T) {
	t.Parallel()
	for name, view := range map[string]string{
		"Go":      "CREATE VIEW v AS SELECT\ngo\n.shell \"touch pwned\"\nFROM (SELECT 1 AS shell) AS go",
		"Spaces":  "CREATE VIEW v AS SELECT\n \t GO -- x\n.shell \"touch pwned\"\nFROM (SELECT 1 AS shell) AS go",
		"Comment": "CREATE VIEW v AS SELECT -- x\ngo /* x */\n.shell \"touch pwned\"\nFROM (SELECT 1 AS shell) AS go",
		"Slash":   "CREATE VIEW v AS SELECT 4\n/\n.5",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := built(t, view)
			copied := filepath.Join(t.TempDir(), "copied.db")
			shell(t, ".cd "+filepath.Dir(copied)+"\n"+script(t, source), "-bail", copied)
			if files := slicesOf(folder(t, filepath.Dir(copied))); len(files) != 1 {
				t.Errorf("got files %q, want the database alone", files)
			}
			checkTold(t, answers(t, copied, "SELECT * FROM v"), answers(t, source, "SELECT * FROM v"))
		})
	}
}

// Text behind the statement in an entry of the schema is not written. New versions of SQLite refuse most of it, and
// old versions do not read it.
func TestDumpSQLInjection(t *testing.T) {
	t.Parallel()
	const injected = "; CREATE TABLE injected (a);\n.shell touch pwned\n--"
	const schema = `CREATE TABLE t (a CHECK (a <> ';')); CREATE INDEX i ON t (a); CREATE VIEW v AS SELECT 1;
		CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT ';END;'; END`
	for name, update := range map[string]string{
		"All":   "UPDATE sqlite_schema SET sql = sql || '" + injected + "'",
		"Mark":  "UPDATE sqlite_schema SET sql = replace(sql, '; END', ';' || char(65279) || 'END') || '" + injected + "' WHERE type = 'trigger'",
		"Zero":  "UPDATE sqlite_schema SET sql = sql || char(0) || '" + injected + "'",
		"Words": "UPDATE sqlite_schema SET sql = replace(sql, 'CREATE TRIGGER', 'create/*;*/temp' || char(10) || 'Trigger') || '" + injected + "' WHERE type = 'trigger'",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			err := sqlite.DumpSQL(t.Context(), hostile(t, schema, update), &b)
			if text := b.String(); strings.Contains(text, "injected") || (err == nil) != strings.Contains(text, "COMMIT") {
				t.Errorf("got error %v and\n%s", err, text)
			}
		})
	}
}

// Nothing in the schema runs: no virtual table is connected to, no view and no expression is evaluated.
func TestDumpSQLRunsNothing(t *testing.T) {
	t.Parallel()
	const endless = "(WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n)"
	for name, source := range map[string]string{
		"View":      built(t, "CREATE TABLE t (a); CREATE VIEW v AS SELECT "+endless),
		"Generated": hostile(t, "CREATE TABLE t (a, g AS (1)); INSERT INTO t VALUES (1)", "UPDATE sqlite_schema SET sql = 'CREATE TABLE t (a, g AS (zeroblob(a << 40)))'"),
		"Module": hostile(t, "CREATE TABLE t (a)",
			"INSERT INTO sqlite_schema VALUES ('table', 'x', 'x', 0, 'create /* */ virtual table x using nosuch(1)')"),
		"Broken": hostile(t, "CREATE VIRTUAL TABLE ft USING fts5 (a); INSERT INTO ft VALUES ('b')", "DELETE FROM ft_config; DELETE FROM ft_data"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if text := script(t, source); !strings.Contains(text, "\nCOMMIT;\n") {
				t.Errorf("the script is not whole:\n%s", text)
			}
		})
	}
}

// A table that cannot be read does not keep the others from being written, in a script that has no effect.
func TestDumpSQLDamage(t *testing.T) {
	t.Parallel()
	source := built(t, `CREATE TABLE a (x); INSERT INTO a VALUES ('before');
		CREATE TABLE "*/; CREATE TABLE injected (a); --" (x); INSERT INTO "*/; CREATE TABLE injected (a); --" VALUES (1);
		CREATE TABLE z (x); INSERT INTO z VALUES ('behind')`)
	overwrite(t, source, 2*4096)
	var b bytes.Buffer
	err := sqlite.DumpSQL(t.Context(), source, &b)
	if !errors.Is(err, sqlite.ErrCorrupt) || !strings.Contains(err.Error(), "injected") {
		t.Errorf("got %v, want %v with the table's name", err, sqlite.ErrCorrupt)
	}
	text := b.String()
	if !strings.Contains(text, "'before'") || !strings.Contains(text, "'behind'") || strings.Contains(text, "COMMIT") {
		t.Errorf("want the other tables, and no COMMIT:\n%s", text)
	}
	copied := filepath.Join(t.TempDir(), "copied.db")
	db := dbtest.Open(t, copied)
	defer db.Close()
	dbtest.Exec(t, db, text)
	if got := ask(t, db, "SELECT name FROM sqlite_schema"); len(got) > 0 {
		t.Errorf("the script makes %q", got)
	}
}

// brokenPipe takes some bytes.
type brokenPipe struct{ left int }

func (w *brokenPipe) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, os.ErrClosed
	}
	return len(p), nil
}

func TestDumpSQLEndsEarly(t *testing.T) {
	t.Parallel()
	source := newDB(t, dbtest.Options{Rows: 2000})
	for _, left := range []int{0, 100_000} {
		if err := sqlite.DumpSQL(t.Context(), source, &brokenPipe{left}); !errors.Is(err, os.ErrClosed) {
			t.Errorf("after %d bytes: got %v, want the writer's error", left, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var b bytes.Buffer
	err := sqlite.DumpSQL(ctx, source, writerFunc(func(p []byte) (int, error) { cancel(); return b.Write(p) }))
	if !errors.Is(err, context.Canceled) || strings.Contains(b.String(), "COMMIT") || !strings.Contains(b.String(), "\nROLLBACK; -- due to errors\n") {
		t.Errorf("got %v, want %v, and an end with ROLLBACK: %.300q", err, context.Canceled, b.String()[max(0, b.Len()-300):])
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
