package sqldump

import (
	"bufio"
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"firn/sqlite/internal/capi"
)

func TestStatementOf(t *testing.T) {
	t.Parallel()
	for _, test := range [][2]string{
		{"CREATE TABLE t (a)", "CREATE TABLE t (a);"},
		{"CREATE TABLE t (a); x", "CREATE TABLE t (a);"},
		{"CREATE TABLE t (';', \";\", [;], `;`, '''', \"\"\"\", 'a''b;') ; x", "CREATE TABLE t (';', \";\", [;], `;`, '''', \"\"\"\", 'a''b;') ;"},
		{"CREATE TABLE t (a -- ;\n, b /* ; */ /**/);x", "CREATE TABLE t (a -- ;\n, b /* ; */ /**/);"},
		{"CREATE INDEX i ON t (a) -- end", "CREATE INDEX i ON t (a) -- end\n;"},
		{"CREATE INDEX i ON t (a) --", "CREATE INDEX i ON t (a) --\n;"},
		{"CREATE INDEX i ON t (a) /* end", "CREATE INDEX i ON t (a) /* end*/;"},
		{"CREATE INDEX i ON t (a) /*/", "CREATE INDEX i ON t (a) /*/*/;"},
		{"CREATE INDEX i ON t (a) /* *", "CREATE INDEX i ON t (a) /* **/;"},
		{"CREATE TRIGGER g BEGIN SELECT 1; END; x", "CREATE TRIGGER g BEGIN SELECT 1; END;"},
		{"CREATE TRIGGER g BEGIN SELECT CASE WHEN 1 THEN 2 END; SELECT 2; /* x */ end -- y\n; x", "CREATE TRIGGER g BEGIN SELECT CASE WHEN 1 THEN 2 END; SELECT 2; /* x */ end -- y\n;"},
		{"CREATE TEMP TRIGGER g BEGIN SELECT 'x;END;'; END; x", "CREATE TEMP TRIGGER g BEGIN SELECT 'x;END;'; END;"},
		{"CREATE TABLE trigger (a); END; x", "CREATE TABLE trigger (a);"},
		{"CREATE VIEW v AS SELECT 1\n/\n2", "CREATE VIEW v AS SELECT 1\n/**//\n2;"},
		{"CREATE VIEW v AS SELECT 1\n\n  gO  \n, 2", "CREATE VIEW v AS SELECT 1\n\n/**/  gO  \n, 2;"},
		{"CREATE VIEW v AS SELECT 1\ngo", "CREATE VIEW v AS SELECT 1\n/**/go;"},
		{"CREATE VIEW v AS SELECT 'x\ngo\n', 1 gone\n, /*\ngo\n*/ 1\n/ 2", "CREATE VIEW v AS SELECT 'x\ngo\n', 1 gone\n, /*\ngo\n*/ 1\n/ 2;"},
	} {
		got, err := statementOf(test[0])
		if err != nil || got != test[1] {
			t.Errorf("%q:\ngot  %q, %v,\nwant %q", test[0], got, err, test[1])
		}
	}
	for _, open := range []string{"CREATE TABLE t ('", "CREATE TABLE t (\"a\"\"", "CREATE TABLE t ([a", "CREATE TABLE t (`", "CREATE TRIGGER g", "CREATE TRIGGER g BEGIN SELECT CASE 1 END; END x"} {
		if got, err := statementOf(open); err == nil {
			t.Errorf("%q: got %q, want an error", open, got)
		}
	}
}

// FuzzStatementOf checks that a statement stays the same when it is read again.
func FuzzStatementOf(f *testing.F) {
	for _, seed := range []string{"CREATE TABLE t (a); x", "CREATE TRIGGER g BEGIN SELECT 1; END", "CREATE VIEW v AS\ngo\n.x", "a/*", "--", "\ufeff;\ufeffend"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		once, err := statementOf(sql)
		if err != nil {
			return
		}
		if twice, err := statementOf(once); err != nil || twice != once {
			t.Errorf("%q becomes %q, and that %q, %v", sql, once, twice, err)
		}
	})
}

func TestRealLiteral(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{
		5: "5.0", 0.5: "0.5", 0.1: "0.10000000000000001", -123.25: "-123.25", 1e20: "1e+20", 1e-5: "1.0000000000000001e-05",
	} {
		if got := realLiteral(v); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// A statement that is too long for SQLite is an error, and not a part of a script that cannot be loaded.
func TestDumpSQLLongRow(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "long.db")
	c, err := capi.Open(t.Context(), path, capi.ReadWrite|capi.Create)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Exec("CREATE TABLE t (a); INSERT INTO t VALUES (zeroblob(100)), (zeroblob(1000))"); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	d := &dump{conn: c, out: bufio.NewWriter(&b), limit: 1000}
	if err := d.script(); err != nil || len(d.failed) != 1 || !strings.Contains(d.failed[0].Error(), `table "t": a row takes`) {
		t.Errorf("got %v and %v, want one table to fail", err, d.failed)
	}
}
