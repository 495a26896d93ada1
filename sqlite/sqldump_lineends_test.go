package sqlite_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"firn/internal/dbtest"
	"firn/sqlite"
)

// lineEnds are the characters that a shell or an editor may take for the end of a line.
var lineEnds = map[string]string{"LF": "\n", "CR": "\r", "CRLF": "\r\n", "CRCRLF": "\r\r\n", "LFCR": "\n\r", "Other": "\v\f\x01\x1b\x7f"}

// Ends of lines within the quotes of a definition, in texts and in names, are the same in the database that the script
// makes. Between tokens CR LF may become LF.
func TestDumpSQLLineEnds(t *testing.T) {
	t.Parallel()
	for name, end := range lineEnds {
		source := built(t, "CREATE TABLE [t"+end+"a] (id INTEGER PRIMARY KEY AUTOINCREMENT, \"b"+end+"x\" DEFAULT 'c"+end+"d', `e` AS ('f"+end+`g' || "b`+end+`x"), UNIQUE (e, id));
			INSERT INTO [t`+end+`a] (id) VALUES (7), (9);
			CREATE INDEX i ON [t`+end+`a] ("b`+end+`x", 'h`+end+`i' || id); CREATE INDEX "j`+end+`" ON [t`+end+`a] (id) WHERE e <> 'k`+end+`';
			CREATE TABLE plain (a DEFAULT 'l`+end+`m', b); INSERT INTO plain (b) VALUES (1);
			CREATE VIEW v AS SELECT 'n`+end+`o' AS "p`+end+`", b FROM plain;
			CREATE TRIGGER g AFTER INSERT ON plain BEGIN INSERT INTO [t`+end+`a] ("b`+end+`x") VALUES ('q`+end+`' || new.b); END; ANALYZE`)
		for loader, load := range loaders() {
			t.Run(name+"/"+loader, func(t *testing.T) {
				t.Parallel()
				text := script(t, source)
				copied := load(t, text)
				checkTold(t, tell(t, copied), tell(t, source))
				checkTold(t, slices.Collect(strings.Lines(script(t, copied))), slices.Collect(strings.Lines(text)))
				for _, query := range []string{"PRAGMA integrity_check", "SELECT * FROM v", "INSERT INTO plain (b) VALUES (5) RETURNING a"} {
					checkTold(t, answers(t, copied, query), answers(t, private(t, source), query))
				}
			})
		}
	}
}

// CR LF between tokens needs no means that a careful SQLite refuses.
func TestDumpSQLLinesOfDefinition(t *testing.T) {
	t.Parallel()
	source := built(t, "CREATE TABLE t (\r\n\ta, -- it's\r\n\tb /* \"\r\n */\r\n); INSERT INTO t VALUES (1, 'x\r\ny')")
	text := script(t, source)
	if strings.Contains(text, "writable_schema") {
		t.Errorf("the script writes the schema:\n%s", text)
	}
	for name, load := range loaders() {
		t.Run(name, func(t *testing.T) {
			copied := load(t, text)
			checkTold(t, answers(t, copied, "SELECT rowid, a, b FROM t"), answers(t, source, "SELECT rowid, a, b FROM t"))
			sql := answers(t, copied, "SELECT replace(sql, char(13), '') FROM sqlite_schema")
			checkTold(t, sql, answers(t, source, "SELECT replace(sql, char(13), '') FROM sqlite_schema"))
		})
	}
}

// A script cannot make a stored column from a text that the shell changes.
func TestDumpSQLLineEndsStored(t *testing.T) {
	t.Parallel()
	source := built(t, "CREATE TABLE t (a, s AS (a || 'x\r\ny') STORED); INSERT INTO t VALUES (1)")
	var b strings.Builder
	err := sqlite.DumpSQL(t.Context(), source, &b)
	if err == nil || !strings.Contains(err.Error(), "STORED") || strings.Contains(b.String(), "COMMIT") {
		t.Errorf("got %v, and\n%s", err, b.String())
	}
}

// Texts with the ends of lines, quotes and marks nested in each other.
func TestDumpSQLNestedQuotes(t *testing.T) {
	t.Parallel()
	source := built(t, "CREATE TABLE t (a)")
	db := dbtest.Open(t, source)
	dbtest.Exec(t, db, "PRAGMA journal_mode = DELETE")
	parts := []string{"'", `"`, "`", "[", "]", "''", `\n`, `\0n`, "\r\n", "\n", "\r", "\x00", "replace('", "',char(10))", "||", "/*", "--", ";"}
	for i, a := range parts {
		for _, b := range parts {
			text := strings.Repeat(a+b, 1+i%3) + parts[(i*7)%len(parts)]
			if _, err := db.Exec("INSERT INTO t VALUES (?)", text); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for name, load := range loaders() {
		t.Run(fmt.Sprint(name), func(t *testing.T) { checkTold(t, tell(t, load(t, script(t, source))), tell(t, source)) })
	}
}
