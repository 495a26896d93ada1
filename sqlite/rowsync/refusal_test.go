package rowsync_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"firn/internal/dbtest"
	"firn/sqlite"
	"firn/sqlite/rowsync"
)

// What cannot be done is refused with what to do, and nothing is written.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, then, since string
		request           rowsync.Request
		reason, advice    string
	}{
		{"NoTable", "CREATE TABLE t(a)", "", rowsync.Request{Table: "u"}, `the database has no table "u"`, ""},
		{"NoTableThen", "CREATE TABLE s(a)", "CREATE TABLE t(a)", rowsync.Request{Table: "t"}, `the snapshot has no table "t"`, ""},
		{"NoTableNow", "CREATE TABLE t(a)", "DROP TABLE t", rowsync.Request{Table: "t"}, `the database has no table "t"`, ""},
		{"View", "CREATE VIEW t AS SELECT 1", "", rowsync.Request{Table: "t"}, "t is a view", "the view reads"},
		{"Virtual", "CREATE VIRTUAL TABLE t USING fts5(a)", "", rowsync.Request{Table: "t"}, "t is a virtual table", "'rebuild'"},
		{"Shadow", "CREATE VIRTUAL TABLE t USING fts5(a)", "", rowsync.Request{Table: "t_content"}, "t_content is a shadow table", "build the index anew"},
		{"System", "CREATE TABLE t(a INTEGER PRIMARY KEY AUTOINCREMENT)", "", rowsync.Request{Table: "sqlite_sequence"}, "of SQLite's own", ""},
		{"Wide", "CREATE TABLE t(a" + wide(1999) + ")", "", rowsync.Request{Table: "t"}, "table t has too many columns: 2000", "another file"},
		{"WideChild", "CREATE TABLE p(a INTEGER PRIMARY KEY); CREATE TABLE c(p REFERENCES p ON DELETE CASCADE" + wide(1999) + ")",
			"INSERT INTO p VALUES (1); INSERT INTO c(p) VALUES (1)", rowsync.Request{Table: "p", Mode: rowsync.Replace}, "table c has too many columns", "another file"},
		{"Mode", "CREATE TABLE t(a)", "", rowsync.Request{Table: "t", Mode: "merge"}, `"merge" is no mode`, ""},
		{"OtherKey", "CREATE TABLE t(a INTEGER PRIMARY KEY)", "DROP TABLE t; CREATE TABLE t(b TEXT PRIMARY KEY) WITHOUT ROWID", rowsync.Request{Table: "t"},
			"does not have the columns of its key", "another file"},
		{"NeedsValue", "CREATE TABLE t(a INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)", "DROP TABLE t; CREATE TABLE t(a INTEGER PRIMARY KEY, b NOT NULL)", rowsync.Request{Table: "t"},
			"the column b must have a value", "--mode update"},
		{"Check", "CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES (1, 5)", "DROP TABLE t; CREATE TABLE t(a INTEGER PRIMARY KEY, b CHECK(b < 5))", rowsync.Request{Table: "t"},
			"does not take the rows: CHECK constraint failed: b < 5", "another definition"},
		{"Strict", "CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES (1, 'x')", "DROP TABLE t; CREATE TABLE t(a INTEGER PRIMARY KEY, b INTEGER) STRICT", rowsync.Request{Table: "t"},
			"cannot store TEXT value in INTEGER column", ""},
		{"PartialIndex", "CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES (1, 5)", "UPDATE t SET a = 2; CREATE UNIQUE INDEX i ON t(b) WHERE a > 0", rowsync.Request{Table: "t"},
			"UNIQUE constraint failed", ""},
		{"Function", "CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES (1, 5)", "DELETE FROM t; PRAGMA writable_schema = ON; " +
			"UPDATE sqlite_schema SET sql = 'CREATE TABLE t(a INTEGER PRIMARY KEY, b CHECK(mine(b)))' WHERE name = 't'", rowsync.Request{Table: "t"}, "unknown function: mine()", "Only the application"},
		{"Collation", "CREATE TABLE t(a INTEGER PRIMARY KEY)", "DROP TABLE t; CREATE TABLE t(a PRIMARY KEY); PRAGMA writable_schema = ON; " +
			"UPDATE sqlite_schema SET sql = 'CREATE TABLE t(a COLLATE mine PRIMARY KEY)' WHERE name = 't'", rowsync.Request{Table: "t"}, "sorted by the collation mine", "Only the application"},
		{"InUse", "CREATE TABLE p(a INTEGER PRIMARY KEY); CREATE TABLE c(p REFERENCES p)", "INSERT INTO p VALUES (1); INSERT INTO c VALUES (1), (1)", rowsync.Request{Table: "p", Mode: rowsync.Replace},
			"2 rows of c refer to rows of p that would be deleted", "--with-children"},
		{"KeyInUse", "CREATE TABLE p(a INTEGER PRIMARY KEY, u UNIQUE); CREATE TABLE c(p REFERENCES p(u) ON UPDATE CASCADE); INSERT INTO p VALUES (1, 'x')",
			"UPDATE p SET u = 'y'; INSERT INTO c VALUES ('y')", rowsync.Request{Table: "p", Mode: rowsync.Update}, "1 row of c refers to rows of p", "--where"},
		{"DefaultWithoutParent", "CREATE TABLE t(a INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)", "DROP TABLE t; CREATE TABLE p(a INTEGER PRIMARY KEY); CREATE TABLE t(a INTEGER PRIMARY KEY, p DEFAULT 9 REFERENCES p)",
			rowsync.Request{Table: "t"}, "a foreign key would be broken: the row a=1 of t refers to a missing row of p", "--with-parents"},
		{"OrphanAdopted", "CREATE TABLE p(a INTEGER PRIMARY KEY); CREATE TABLE c(p REFERENCES p); CREATE TABLE t(a INTEGER PRIMARY KEY, up REFERENCES t); INSERT INTO t VALUES (1, NULL), (2, NULL)",
			"DROP TABLE t; CREATE TABLE t(a INTEGER PRIMARY KEY, up REFERENCES t, p DEFAULT 9 REFERENCES t); INSERT INTO t VALUES (5, 1, NULL), (6, 2, NULL)", rowsync.Request{Table: "t"}, "a foreign key would be broken: the row a=1 of t", "defaults"},
		{"Exchange", "CREATE TABLE t(a INTEGER PRIMARY KEY, u UNIQUE); CREATE TABLE c(t REFERENCES t ON DELETE CASCADE); INSERT INTO t VALUES (1, 'x'), (2, 'y'); INSERT INTO c VALUES (1), (2)",
			"UPDATE t SET u = 'z' WHERE a = 1; UPDATE t SET u = 'x' WHERE a = 2; UPDATE t SET u = 'y' WHERE a = 1", rowsync.Request{Table: "t", Mode: rowsync.Update}, "rows of t have to exchange their keys, and rows of c refer to them", "--where"},
		{"NullKey", "CREATE TABLE t(rowid, oid, _rowid_, a PRIMARY KEY)", "INSERT INTO t VALUES (1, 2, 3, NULL)", rowsync.Request{Table: "t", Mode: rowsync.Replace}, "a row cannot be deleted, since a part of its key is NULL", "--where"},
		{"Mismatch", "CREATE TABLE p(a INTEGER PRIMARY KEY, u); CREATE TABLE c(p REFERENCES p(u)); INSERT INTO p VALUES (1, 2)", "DELETE FROM p", rowsync.Request{Table: "p"},
			"its foreign key to p does not fit", "Correct the definition"},
		{"OtherTable", "CREATE TABLE t(a INTEGER PRIMARY KEY); CREATE TABLE other(b)", " INSERT INTO t VALUES (1)",
			rowsync.Request{Table: "t", Mode: rowsync.Replace, Where: "a IN (SELECT b FROM other)"}, "the condition", "columns of the table alone"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t, tt.then, tt.since)
			before := readFile(t, p.path)
			_, err := p.run(t, tt.request)
			wantRefusal(t, err, tt.reason, tt.advice)
			if readFile(t, p.path) != before {
				t.Error("the database has changed")
			}
		})
	}
}

// wide returns definitions of columns.
func wide(n int) (text string) {
	for i := range n {
		text += fmt.Sprintf(", c%d", i)
	}
	return text
}

func readFile(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A condition that SQLite does not understand is the caller's mistake.
func TestWrongCondition(t *testing.T) {
	t.Parallel()
	p := newPair(t, "CREATE TABLE t(a)", "")
	for _, where := range []string{"b = 1", "a =", "'open", "/* open", "sqlite_compileoption_get(1, 2, 3)", "(1, 2)", "1; DROP TABLE t", "a = 1) UNION SELECT 2 FROM t WHERE (1", "(a = 1", "1\x00"} {
		if _, err := p.run(t, rowsync.Request{Table: "t", Where: where}); !errors.Is(err, sqlite.ErrSQL) {
			t.Errorf("%s: got %v, want %v", where, err, sqlite.ErrSQL)
		}
	}
	for _, where := range []string{"a = ')' -- (", "a = \"a\" /* ; ( */", "[a] IN (1)", "a = 'it''s ;'"} {
		if _, err := p.run(t, rowsync.Request{Table: "t", Where: where}); err != nil {
			t.Errorf("%s: %v", where, err)
		}
	}
}

// A condition that never ends is ended by the context.
func TestEndlessCondition(t *testing.T) {
	t.Parallel()
	const endless = "(WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) SELECT max(i) FROM c) > 0"
	for _, mode := range []rowsync.Mode{rowsync.Insert, rowsync.Replace} {
		p := newPair(t, "CREATE TABLE t(a INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (1)")
		if mode == rowsync.Insert {
			p = newPair(t, "CREATE TABLE t(a); INSERT INTO t VALUES (1)", "")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := p.planWith(t, ctx, rowsync.Request{Table: "t", Where: endless, Mode: mode}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: got %v, want %v", mode, err, context.DeadlineExceeded)
		}
	}
}

// Rows that have changed since they were compared are not written.
func TestChangedMeanwhile(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]string{
		"Row":     "UPDATE t SET b = 'newer' WHERE a = 2",
		"Missing": "INSERT INTO t VALUES (1, 'newer')",
		"Same":    "DELETE FROM t WHERE a = 3",
		"Schema":  "ALTER TABLE t ADD COLUMN c",
		"Table":   "DROP TABLE t",
		"Child":   "CREATE TABLE c(t REFERENCES t); CREATE TABLE d(x)",
		"Trigger": "CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END",
	} {
		p := newPair(t, "CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES (1, 'x'), (2, 'y'), (3, 'z')", "DELETE FROM t WHERE a = 1; UPDATE t SET b = 'new' WHERE a = 2")
		s, plan, err := p.plan(t, rowsync.Request{Table: "t", Mode: rowsync.Upsert})
		if err != nil {
			t.Fatal(err)
		}
		p.exec(t, change)
		before := readFile(t, p.path)
		if err := s.Apply(t.Context(), p.path, plan, func() error { return nil }); !errors.Is(err, rowsync.ErrChanged) {
			t.Errorf("%s: got %v, want %v", name, err, rowsync.ErrChanged)
		}
		if readFile(t, p.path) != before {
			t.Errorf("%s: the database has changed", name)
		}
	}
}

// A row that refers to one of those that exchange their keys may appear after the comparison: deleting its parent would delete it.
func TestChildMeanwhile(t *testing.T) {
	t.Parallel()
	p := newPair(t, "CREATE TABLE t(a INTEGER PRIMARY KEY, u UNIQUE); CREATE TABLE c(t REFERENCES t ON DELETE CASCADE); INSERT INTO t VALUES (1, 'x'), (2, 'y')",
		"UPDATE t SET u = 'z' WHERE a = 1; UPDATE t SET u = 'x' WHERE a = 2; UPDATE t SET u = 'y' WHERE a = 1")
	s, plan, err := p.plan(t, rowsync.Request{Table: "t", Mode: rowsync.Update})
	if err != nil {
		t.Fatal(err)
	}
	p.exec(t, "INSERT INTO c VALUES (1), (2)")
	if err := s.Apply(t.Context(), p.path, plan, func() error { return nil }); !errors.Is(err, rowsync.ErrChanged) {
		t.Errorf("got %v, want %v", err, rowsync.ErrChanged)
	}
	if got := rows(t, p.path, "SELECT count(*) FROM c"); got != "2" {
		t.Errorf("got %s rows, want 2", got)
	}
}

// A database in use, a file that may not be written, and a database that is damaged or none are left alone.
func TestBadTargets(t *testing.T) {
	t.Parallel()
	request := rowsync.Request{Table: "t"}
	const then, since = "CREATE TABLE t(a INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)", "DELETE FROM t"
	t.Run("Busy", func(t *testing.T) {
		p := newPair(t, then, since)
		s, plan, err := p.plan(t, request)
		if err != nil {
			t.Fatal(err)
		}
		db := dbtest.Open(t, p.path)
		defer db.Close()
		db.SetMaxOpenConns(1)
		dbtest.Exec(t, db, "BEGIN IMMEDIATE")
		if err := s.Apply(t.Context(), p.path, plan, func() error { return nil }); !errors.Is(err, sqlite.ErrBusy) {
			t.Errorf("got %v, want %v", err, sqlite.ErrBusy)
		}
		dbtest.Exec(t, db, "ROLLBACK")
		if err := s.Apply(t.Context(), p.path, plan, func() error { return nil }); err != nil {
			t.Error(err)
		}
	})
	t.Run("NotLocked", func(t *testing.T) {
		p := newPair(t, then, since)
		s, plan, err := p.plan(t, request)
		if err != nil {
			t.Fatal(err)
		}
		failure := errors.New("no snapshot")
		if err := s.Apply(t.Context(), p.path, plan, func() error { return failure }); !errors.Is(err, failure) {
			t.Errorf("got %v, want %v", err, failure)
		}
		if got := rows(t, p.path, "SELECT count(*) FROM t"); got != "0" {
			t.Errorf("got %s rows", got)
		}
	})
	for name, damage := range map[string]func(path string) error{
		"NoDatabase": func(path string) error { return os.WriteFile(path, []byte(strings.Repeat("no database ", 100)), 0o600) },
		"Damaged":    func(path string) error { return overwrite(path, 4096, 4096) },
		"Missing":    os.Remove,
		"Empty":      func(path string) error { return os.Truncate(path, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t, then, since)
			if err := damage(p.path); err != nil {
				t.Fatal(err)
			}
			if _, _, err := p.plan(t, request); err == nil {
				t.Error("got no error")
			}
		})
	}
}

// overwrite fills a part of a file.
func overwrite(path string, from, n int64) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt([]byte(strings.Repeat("x", int(n))), from)
	return errors.Join(err, f.Close())
}

// An index that this SQLite cannot parse would lack the rows that are written.
func TestUnparsed(t *testing.T) {
	t.Parallel()
	p := newPair(t, "CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES (1, 1)", "DELETE FROM t; CREATE INDEX i ON t(b); PRAGMA writable_schema = ON; "+
		"UPDATE sqlite_schema SET sql = 'CREATE INDEX i ON t(b) WHERE b = 0x1FOR b' WHERE name = 'i'")
	if _, err := p.run(t, rowsync.Request{Table: "t"}); !errors.Is(err, sqlite.ErrUnparsed) {
		t.Errorf("got %v, want %v", err, sqlite.ErrUnparsed)
	}
}
