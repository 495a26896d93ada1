package rowsync_test

import (
	"strings"
	"testing"

	"firn/internal/dbtest"
	"firn/sqlite/rowsync"
)

// Each history is followed by a restore, and by a query that says what is there then.
func TestSpecial(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, then, since string
		request           rowsync.Request
		query, want       string
	}{
		{
			"Taken", "CREATE TABLE t(a INTEGER PRIMARY KEY, u UNIQUE); INSERT INTO t VALUES (1, 'x'), (2, 'y')", "DELETE FROM t; INSERT INTO t VALUES (5, 'x')",
			rowsync.Request{}, "SELECT a || u FROM t ORDER BY a", "2y\n5x",
		},
		{
			"Swapped", "CREATE TABLE t(a INTEGER PRIMARY KEY, u UNIQUE, n); INSERT INTO t VALUES (1, 'x', 1), (2, 'y', 2)", "UPDATE t SET u = 'z' WHERE a = 1; UPDATE t SET u = 'x' WHERE a = 2; UPDATE t SET u = 'y' WHERE a = 1",
			rowsync.Request{Mode: rowsync.Update}, "SELECT a || u || n FROM t ORDER BY a", "1x1\n2y2",
		},
		{
			"SwappedWithChildren", "CREATE TABLE t(a INTEGER PRIMARY KEY, u UNIQUE); CREATE TABLE c(t REFERENCES t); INSERT INTO t VALUES (1, 'x'), (2, 'y'), (3, 'z'); INSERT INTO c VALUES (1), (2)",
			"UPDATE t SET u = u || 'o'; UPDATE t SET u = char(121 + a % 3)", rowsync.Request{Mode: rowsync.Replace}, "SELECT a || u || (SELECT count(*) FROM c WHERE t = a) FROM t ORDER BY a", "1x1\n2y1\n3z0",
		},
		{
			"Chain", "CREATE TABLE t(a INTEGER PRIMARY KEY, u UNIQUE); INSERT INTO t VALUES (1, 'x'), (2, 'y')", "UPDATE t SET u = 'z' WHERE a = 1; UPDATE t SET u = 'x' WHERE a = 2",
			rowsync.Request{Mode: rowsync.Update}, "SELECT a || u FROM t ORDER BY a", "1x\n2y",
		},
		{
			"HeldByLeft", "CREATE TABLE t(a INTEGER PRIMARY KEY, u UNIQUE, v UNIQUE); INSERT INTO t VALUES (1, 'x', 1), (2, 'y', 2)", "UPDATE t SET u = 'z' WHERE a = 1; UPDATE t SET u = 'x', v = 3 WHERE a = 2; INSERT INTO t VALUES (9, 'w', 2)",
			rowsync.Request{Mode: rowsync.Update}, "SELECT a || u || v FROM t ORDER BY a", "1z1\n2x3\n9w2",
		},
		{
			"FreedByReplace", "CREATE TABLE t(a INTEGER PRIMARY KEY, u UNIQUE); INSERT INTO t VALUES (1, 'x')", "DELETE FROM t; INSERT INTO t VALUES (5, 'x')",
			rowsync.Request{Mode: rowsync.Replace}, "SELECT a || u FROM t", "1x",
		},
		{
			"NewUnique", "CREATE TABLE t(a INTEGER PRIMARY KEY, u); INSERT INTO t VALUES (1, 'x'), (2, 'x')", "DELETE FROM t; CREATE UNIQUE INDEX i ON t(u)",
			rowsync.Request{}, "SELECT a || u FROM t", "1x",
		},
		{
			"RowidTaken", "CREATE TABLE t(a); INSERT INTO t VALUES ('x'), ('y')", "DELETE FROM t WHERE a = 'x'; INSERT INTO t(rowid, a) VALUES (1, 'z')",
			rowsync.Request{}, "SELECT rowid || a FROM t", "1z\n2y",
		},
		{
			"RowidsOfNull", "CREATE TABLE t(a PRIMARY KEY, b); INSERT INTO t VALUES ('x', 1), (NULL, 2)", "DELETE FROM t; INSERT INTO t VALUES ('z', 3)",
			rowsync.Request{}, "SELECT rowid || quote(a) || b FROM t ORDER BY b", "3'x'1\n2NULL2\n1'z'3",
		},
		{
			"ChildGoesFirst", "CREATE TABLE t(a INTEGER PRIMARY KEY, boss REFERENCES t ON DELETE CASCADE); INSERT INTO t VALUES (3, NULL)", "INSERT INTO t VALUES (5, NULL), (6, 5), (7, 6); UPDATE t SET boss = 6 WHERE a = 3",
			rowsync.Request{Mode: rowsync.Replace, Children: true}, "SELECT a || quote(boss) FROM t", "3NULL",
		},
		{
			"Restricted", "CREATE TABLE t(a INTEGER PRIMARY KEY, boss REFERENCES t ON DELETE RESTRICT)", "INSERT INTO t VALUES (5, NULL), (6, 5), (7, 6), (2, 7)",
			rowsync.Request{Mode: rowsync.Replace, Children: true}, "SELECT count(*) FROM t", "0",
		},
		{
			"Retyped", "CREATE TABLE t(a TEXT PRIMARY KEY, b TEXT, c); INSERT INTO t VALUES ('5', '5.0', '7'), ('06', 'x', '1e3'), ('9', '9', x'01')", "DROP TABLE t; CREATE TABLE t(a INTEGER PRIMARY KEY, b REAL, c INT); INSERT INTO t VALUES (5, 5, 7), (6, 0, 1000)",
			rowsync.Request{Mode: rowsync.Upsert}, "SELECT quote(a) || ' ' || quote(b) || ' ' || quote(c) FROM t", "5 5.0 7\n6 'x' 1000\n9 9.0 X'01'",
		},
		{
			"RetypedStrict", "CREATE TABLE t(a INTEGER PRIMARY KEY, b, c); INSERT INTO t VALUES (1, '5', '7')", "DROP TABLE t; CREATE TABLE t(a INTEGER PRIMARY KEY, b INTEGER, c ANY) STRICT",
			rowsync.Request{}, "SELECT quote(b) || quote(c) FROM t", "5'7'",
		},
		{
			"Sequence", "CREATE TABLE t(a INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO t VALUES (1), (7)", "DELETE FROM t; INSERT INTO t VALUES (20); DELETE FROM t",
			rowsync.Request{}, "SELECT seq || group_concat(a) FROM sqlite_sequence, t", "201,7",
		},
		{
			"Collation", "CREATE TABLE t(a TEXT COLLATE NOCASE PRIMARY KEY, b); INSERT INTO t VALUES ('Bob', 1)", "DELETE FROM t; INSERT INTO t VALUES ('BOB', 2)",
			rowsync.Request{Mode: rowsync.Upsert}, "SELECT a || b FROM t", "Bob1",
		},
		{
			"TriggersOff", "CREATE TABLE t(a INTEGER PRIMARY KEY); CREATE TABLE log(a); CREATE TRIGGER r AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.a); END; INSERT INTO t VALUES (1)", "DELETE FROM t; DELETE FROM log",
			rowsync.Request{}, "SELECT count(*) || (SELECT count(*) FROM log) FROM t", "10",
		},
		{
			"TriggersOn", "CREATE TABLE t(a INTEGER PRIMARY KEY); CREATE TABLE log(a); CREATE TRIGGER r AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.a); END; INSERT INTO t VALUES (1)", "DELETE FROM t; DELETE FROM log",
			rowsync.Request{Triggers: true}, "SELECT count(*) || (SELECT count(*) FROM log) FROM t", "11",
		},
		{
			"FullText", "CREATE TABLE t(a INTEGER PRIMARY KEY, b); CREATE VIRTUAL TABLE w USING fts5(b, content = 't', content_rowid = 'a'); CREATE TRIGGER r AFTER INSERT ON t BEGIN INSERT INTO w(rowid, b) VALUES (new.a, new.b); END; INSERT INTO t VALUES (1, 'word')",
			"INSERT INTO w(w, rowid, b) VALUES ('delete', 1, 'word'); DELETE FROM t", rowsync.Request{Triggers: true}, "SELECT rowid || b FROM w('word')", "1word",
		},
		{
			"UTF16", "PRAGMA encoding = 'UTF-16le'; CREATE TABLE t(a TEXT PRIMARY KEY); INSERT INTO t VALUES ('größe'), ('a' || char(0) || 'b'), (char(128512))", "DELETE FROM t",
			rowsync.Request{}, "SELECT hex(a) FROM t ORDER BY 1", "3DD800DE\n610000006200\n67007200F600DF006500",
		},
		{
			"Names", `CREATE TABLE "a ""b" ("select" INTEGER PRIMARY KEY, "x'y" TEXT, "rowid" UNIQUE, "oid", "` + "new\nline" + `"); INSERT INTO "a ""b" VALUES (1, 'it''s', 2, 3, 4)`, `DELETE FROM "a ""b"`,
			rowsync.Request{Table: `A "b`}, `SELECT "select" || "x'y" || "rowid" || "oid" || "` + "new\nline" + `" FROM "a ""b"`, "1it's234",
		},
		{
			"NoRowidName", "CREATE TABLE t(rowid, oid, _rowid_, a PRIMARY KEY); INSERT INTO t VALUES (1, 2, 3, NULL), (4, 5, 6, 7)", "DELETE FROM t",
			rowsync.Request{}, "SELECT rowid || a FROM t", "47",
		},
		{
			"WhereRowid", "CREATE TABLE t(a); INSERT INTO t VALUES ('x'), ('y')", "INSERT INTO t VALUES ('z'), ('w')",
			rowsync.Request{Mode: rowsync.Replace, Where: "rowid < 4"}, "SELECT rowid || a FROM t", "1x\n2y\n4w",
		},
		{
			"WhereCollation", "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT COLLATE NOCASE); INSERT INTO t VALUES (1, 'x')", "INSERT INTO t VALUES (2, 'X'), (3, 'y')",
			rowsync.Request{Mode: rowsync.Replace, Where: "b = 'x'"}, "SELECT a || b FROM t", "1x\n3y",
		},
		{
			"GeneratedNow", "CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES (1, 5)", "DROP TABLE t; CREATE TABLE t(a INTEGER PRIMARY KEY, b AS (a + 1))",
			rowsync.Request{}, "SELECT a || b FROM t", "12",
		},
		{
			"GeneratedThen", "CREATE TABLE t(a INTEGER PRIMARY KEY, b AS (a + 1)); INSERT INTO t(a) VALUES (1)", "DROP TABLE t; CREATE TABLE t(a INTEGER PRIMARY KEY, b)",
			rowsync.Request{}, "SELECT a || b FROM t", "12",
		},
		{
			"DeferredCircle", "CREATE TABLE a(id INTEGER PRIMARY KEY, b REFERENCES b DEFERRABLE INITIALLY DEFERRED); CREATE TABLE b(id INTEGER PRIMARY KEY, a REFERENCES a); INSERT INTO a VALUES (1, 2); INSERT INTO b VALUES (2, 1)",
			"DELETE FROM a; DELETE FROM b", rowsync.Request{Table: "b", Parents: true}, "SELECT a.id || b.id FROM a, b", "12",
		},
		{
			"OldOrphans", "CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE t(id INTEGER PRIMARY KEY, p REFERENCES p); INSERT INTO t VALUES (1, NULL), (2, 77)", "DELETE FROM t WHERE id = 1",
			rowsync.Request{}, "SELECT count(*) FROM t", "2",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t, tt.then, tt.since)
			emitted := p.copy(t)
			if tt.request.Table == "" {
				tt.request.Table = "t"
			}
			plan, err := p.run(t, tt.request)
			if err != nil {
				t.Fatal(err)
			}
			if got := rows(t, p.path, tt.query); got != tt.want {
				t.Errorf("got %q, want %q, with the plan %+v", got, tt.want, plan.Tables[0])
			}
			dbtest.Integrity(t, p.path)
			if _, again, err := p.plan(t, tt.request); err != nil || !again.Empty() {
				t.Errorf("the plan for the second time: %+v, %v", again, err)
			}
			if tt.name == "TriggersOff" || tt.name == "UTF16" {
				return // the statements run triggers, and literal makes texts of UTF-8
			}
			script := []string{"PRAGMA foreign_keys = ON", "BEGIN", "PRAGMA defer_foreign_keys = ON"}
			for _, s := range plan.Statements {
				script = append(script, s.Text(literal))
			}
			execute(t, emitted, strings.Join(append(script, "COMMIT"), ";\n"))
			if got := rows(t, emitted, tt.query); got != tt.want {
				t.Errorf("the statements give %q, want %q", got, tt.want)
			}
		})
	}
}

// A plan names what a person could miss.
func TestNotes(t *testing.T) {
	t.Parallel()
	p := newPair(t, "CREATE TABLE t(a, b TEXT, c); INSERT INTO t VALUES (1, 2, 3)",
		"DELETE FROM t; ALTER TABLE t DROP COLUMN c; ALTER TABLE t ADD COLUMN d DEFAULT 4; CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END")
	_, plan, err := p.plan(t, rowsync.Request{Table: "t"})
	if err != nil {
		t.Fatal(err)
	}
	got := plan.Tables[0]
	if !got.ByRowid || strings.Join(got.OnlyNow, "") != "d" || strings.Join(got.OnlyThen, "") != "c" || strings.Join(got.Triggers, "") != "r" || got.Inserted != 1 {
		t.Errorf("got %+v", got)
	}
}

// A conflict says which row is in the way.
func TestConflict(t *testing.T) {
	t.Parallel()
	p := newPair(t, "CREATE TABLE t(a INTEGER PRIMARY KEY, u UNIQUE); INSERT INTO t VALUES (1, 'x')", "UPDATE t SET a = 5")
	_, plan, err := p.plan(t, rowsync.Request{Table: "t", Mode: rowsync.Upsert})
	if err != nil {
		t.Fatal(err)
	}
	if r := plan.Tables[0].Rows[0]; r.Kind != rowsync.Conflicted || r.Why != "the row a=5 has the same u" || !plan.Empty() {
		t.Errorf("got %+v", r)
	}
}
