package sqlite_test

import (
	"bytes"
	"database/sql"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"firn/internal/dbtest"
	"firn/sqlite"
)

var dumpSeed = flag.Uint64("dump-seed", 0, "seed of the rows of TestDumpSQLRandom; 0 takes a new one")

// script returns the dump of a database.
func script(t testing.TB, path string) string {
	t.Helper()
	var b bytes.Buffer
	if err := sqlite.DumpSQL(t.Context(), path, &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// built makes a database by the driver.
func built(t testing.TB, statements string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "built.db")
	db := dbtest.Open(t, path)
	dbtest.Exec(t, db, statements)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// loaders load a script into a new database, and fail the test at the first error.
func loaders() map[string]func(t testing.TB, script string) string {
	return map[string]func(t testing.TB, script string) string{"Driver": built, "Shell": loadByShell}
}

func loadByShell(t testing.TB, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "shell.db")
	if got := shell(t, script, "-bail", path); got != "" {
		t.Errorf("sqlite3 says %q", got)
	}
	return path
}

// shell runs the sqlite3 shell.
func shell(t testing.TB, input string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), dbtest.Tool(t, "sqlite3"), args...)
	cmd.Dir = t.TempDir()
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("sqlite3: %v: %.2000s", err, out)
	}
	return string(out)
}

// tell returns all content of a database that a dump must keep.
func tell(t testing.TB, path string) []string {
	t.Helper()
	db := dbtest.Open(t, path)
	defer db.Close()
	var told []string
	for _, name := range []string{"encoding", "page_size", "auto_vacuum", "user_version", "application_id"} {
		told = append(told, name+": "+strings.Join(ask(t, db, "PRAGMA "+name), ""))
	}
	told = append(told, ask(t, db, "SELECT type, name, tbl_name, rootpage > 0, sql FROM sqlite_schema ORDER BY type, name")...)
	for _, table := range ask(t, db, `SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 ORDER BY name`) {
		table = strings.TrimPrefix(table, "string ")
		told = append(told, "table "+table)
		told = append(told, rowsOf(t, db, table)...)
	}
	return told
}

// rowsOf returns the rows of a table, with their rowids if they have any.
func rowsOf(t testing.TB, db *sql.DB, table string) []string {
	t.Helper()
	var columns []string
	for _, name := range ask(t, db, `SELECT name FROM pragma_table_xinfo(?)`, table) {
		name = `"` + strings.ReplaceAll(strings.TrimPrefix(name, "string "), `"`, `""`) + `"`
		// The plus hides the declared type, by which the driver would convert the value.
		columns = append(columns, fmt.Sprintf("+%s, typeof(%s), hex(CAST(%s AS BLOB))", name, name, name))
	}
	query := fmt.Sprintf(` %s FROM "%s" NOT INDEXED`, strings.Join(columns, ", "), strings.ReplaceAll(table, `"`, `""`))
	if s, err := db.Prepare("SELECT _rowid_," + query); err == nil {
		s.Close()
		return ask(t, db, "SELECT _rowid_,"+query)
	}
	return ask(t, db, "SELECT"+query)
}

// ask returns the rows of a query, each as text that shows types and bits.
func ask(t testing.TB, db *sql.DB, query string, args ...any) []string {
	t.Helper()
	rows, err := db.Query(query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	values, targets := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		targets[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			t.Fatal(err)
		}
		var fields []string
		for _, v := range values {
			if f, ok := v.(float64); ok {
				v = math.Float64bits(f)
			}
			fields = append(fields, fmt.Sprintf("%T %v", v, v))
		}
		lines = append(lines, strings.Join(fields, " | "))
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return lines
}

// checkTold compares the content of two databases.
func checkTold(t testing.TB, got, want []string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Errorf("line %d:\ngot  %.600q\nwant %.600q", i, got[min(i, len(got)):min(i+1, len(got))], want[min(i, len(want)):min(i+1, len(want))])
			return
		}
	}
}

// schemas are databases that a dump must carry over. Queries must give the same.
var schemas = map[string]struct {
	make    string
	queries []string
	// The shell's own dump gets these wrong, so that it cannot be compared.
	shellFails bool
}{
	"Empty":   {make: "PRAGMA user_version = 0; CREATE TABLE t (a); DROP TABLE t"},
	"Pragmas": {make: "PRAGMA page_size = 8192; PRAGMA auto_vacuum = 2; PRAGMA user_version = -7; PRAGMA application_id = 252; CREATE TABLE t (a)"},
	"Types": {make: `CREATE TABLE t (i INTEGER, r REAL, t TEXT, b BLOB, n NUMERIC, x);
		INSERT INTO t VALUES (1, 2, 3, x'00ff', '4.50', NULL), (-9223372036854775808, 9223372036854775807, '', x'', 1e300, 0.1),
			(NULL, NULL, NULL, NULL, NULL, NULL), ('text', 'text', x'00', 'text', 'text', 5.0), (9e999, -9e999, 'it''s', 0, 9e999, -9e999);`},
	"Zero": {shellFails: true, make: "CREATE TABLE t (a, r REAL); INSERT INTO t VALUES (-0.0, -0.0), (0.0, 0.0)"},
	"Text": {shellFails: true, make: `CREATE TABLE t (a TEXT);
		INSERT INTO t VALUES ('two' || char(10) || 'lines'), ('cr' || char(13,10)), (char(0)), ('a' || char(0) || 'b'), (char(27) || '[2J'),
			('\n' || char(10)), ('\0n\n\000n' || char(10)), (char(10) || '\'), ('\' || char(13) || 'n'), ('tab' || char(9)), (char(127)), (char(1,2,3,10,13)),
			(CAST(x'ff' AS TEXT)), (CAST(x'c0af41' AS TEXT)), (CAST(x'eda080' AS TEXT)), (char(65279) || 'x'), (char(65534, 65535)), ('😀ä'),
			('-- no comment; /* neither */'), (char(10) || '.quit' || char(10) || '/' || char(10) || 'go' || char(10) || ';')`},
	"UTF16le": {shellFails: true, make: `PRAGMA encoding = 'UTF-16le'; CREATE TABLE "tä" ("ö" TEXT DEFAULT 'ü'); CREATE INDEX "ï" ON "tä" ("ö");
		INSERT INTO "tä" VALUES ('😀ä'), (''), ('a' || char(0) || 'b'), (char(10)), (CAST(x'00d8' AS TEXT)), (CAST(x'00dc00d8' AS TEXT)), (CAST(x'3dd800de' AS TEXT)),
			(CAST(x'feff' AS TEXT)), (CAST(x'ffff' AS TEXT)), (CAST(x'fffe4100' AS TEXT)), (x'4100'), (3), (2.5)`},
	"UTF16be": {shellFails: true, make: `PRAGMA encoding = 'UTF-16be'; CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('😀ä'), (CAST(x'd800' AS TEXT)), (CAST(x'fffe' AS TEXT)), (char(0, 10))`},
	"Names": {make: `CREATE TABLE "a ""b'c" ("x ""y" INT, [sel ect] TEXT, ` + "`q``r`" + ` BLOB, "table" INT); INSERT INTO "a ""b'c" VALUES (1, 2, 3, 4);
		CREATE INDEX "in ""dex" ON "a ""b'c" ("x ""y", "table" DESC); CREATE VIEW [v i] AS SELECT "table" AS "w;" FROM "a ""b'c";
		CREATE TABLE "firn_sequence" (n); CREATE TABLE "order" (a); INSERT INTO "order" VALUES (1); CREATE TABLE x (i INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO x VALUES (5)`},
	"Rowids": {make: `CREATE TABLE plain (a); INSERT INTO plain (rowid, a) VALUES (-5, 'x'), (7, 'y'), (9223372036854775807, 'z');
		CREATE TABLE ipk (a, id INTEGER PRIMARY KEY, b); INSERT INTO ipk VALUES ('x', 3, 'y'), ('x', -1, 'y');
		CREATE TABLE "desc" (id INTEGER PRIMARY KEY DESC, a); INSERT INTO "desc" (rowid, id, a) VALUES (10, 1, 'x'), (20, NULL, 'y');
		CREATE TABLE int (id INT PRIMARY KEY, a); INSERT INTO int (rowid, id, a) VALUES (10, 1, 'x'), (4, 2, 'y');
		CREATE TABLE two (a INTEGER, b INTEGER, PRIMARY KEY (a, b)); INSERT INTO two (rowid, a, b) VALUES (9, 1, 2), (8, 3, 4);
		CREATE TABLE taken (rowid TEXT, a); INSERT INTO taken (_rowid_, rowid, a) VALUES (4, 'r', 'a'), (6, 's', 'b');
		CREATE TABLE all_taken (rowid TEXT, _ROWID_ TEXT, oid TEXT); INSERT INTO all_taken VALUES ('a', 'b', 'c');
		CREATE TABLE without (a TEXT, b INT, c, PRIMARY KEY (b, a)) WITHOUT ROWID; INSERT INTO without VALUES ('x', 2, 1), ('y', 1, 2);
		CREATE TABLE without_integer (id INTEGER PRIMARY KEY, a) WITHOUT ROWID; INSERT INTO without_integer VALUES (2, 'x'), (1, 'y')`},
	"Sequence":      {make: `CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a); INSERT INTO t (a) VALUES (1), (2), (3); DELETE FROM t WHERE id > 1`},
	"SequenceAlone": {shellFails: true, make: `CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT); DROP TABLE t; INSERT INTO sqlite_sequence VALUES ('gone', 5)`},
	"Statistics":    {shellFails: true, make: `CREATE TABLE t (a, b); CREATE INDEX i ON t (a, b); INSERT INTO t VALUES (1, 2), (1, 3), (x'00', NULL); ANALYZE`},
	"Statistics1":   {make: `CREATE TABLE t (a, b); CREATE INDEX i ON t (a, b); INSERT INTO t VALUES (1, 2), (1, 3); ANALYZE; DROP TABLE sqlite_stat4`},
	"Strict":        {make: `CREATE TABLE t (i INT, n INTEGER, r REAL, t TEXT, b BLOB, a ANY) STRICT; INSERT INTO t VALUES (1, 2, 3, '4', x'05', '6'), (1, 2, 3.5, '', x'', 6)`},
	"Generated": {make: `CREATE TABLE t (a INT, v AS (a * 2), b TEXT, s AS (b || a) STORED); INSERT INTO t VALUES (1, 'x'), (2, 'y'); CREATE INDEX i ON t (v);
		CREATE TABLE u (id INTEGER PRIMARY KEY, g INT GENERATED ALWAYS AS (id + 1) VIRTUAL, z); INSERT INTO u (z) VALUES (7)`},
	"Constraints": {shellFails: true, make: `PRAGMA foreign_keys = OFF; CREATE TABLE child (p INT REFERENCES parent (id), c CHECK (c > 0), UNIQUE (p, c)); CREATE TABLE parent (id INTEGER PRIMARY KEY, self REFERENCES parent);
		INSERT INTO child VALUES (99, 1); INSERT INTO parent VALUES (1, 77); PRAGMA ignore_check_constraints = ON; INSERT INTO child VALUES (1, -1)`},
	"Program": {make: `CREATE TABLE t (a, b); CREATE TABLE log (x);
		CREATE TRIGGER early AFTER INSERT ON t WHEN new.a > 0 BEGIN INSERT INTO log VALUES (CASE new.a WHEN 1 THEN 'one;' ELSE 'END' END); /* ; */ UPDATE t SET b = 1; END;
		INSERT INTO t VALUES (1, 2), (2, 3);
		CREATE VIEW v (x, y) AS SELECT a, b FROM t /* a comment; */ WHERE a -- another;
			> 0;
		CREATE TRIGGER instead INSTEAD OF INSERT ON v BEGIN INSERT INTO t VALUES (new.x, new.y); END;
		CREATE INDEX partial ON t (a) WHERE b IS NOT NULL;
		CREATE UNIQUE INDEX expression ON t (a COLLATE NOCASE, b + 1 DESC) /* closed */`,
		queries: []string{"SELECT * FROM v"}},
	"Comments": {shellFails: true, make: "CREATE TABLE t (a /* ; */, b -- ;\n); CREATE INDEX i ON t (a) -- the end\n; CREATE INDEX j ON t (b) /* the end */;"},
	"FTS5": {make: `CREATE VIRTUAL TABLE ft USING fts5 (title, body, tokenize = 'porter unicode61'); INSERT INTO ft VALUES ('One', 'the quick foxes'), ('Two', 'lazy dogs'), ('Three', 'a fox; it''s "quoted"');
		DELETE FROM ft WHERE rowid = 2; INSERT INTO ft (ft) VALUES ('optimize');
		CREATE TABLE content (id TEXT PRIMARY KEY, words TEXT); INSERT INTO content (rowid, id, words) VALUES (40, 'a', 'red green'), (17, 'b', 'green blue');
		CREATE VIRTUAL TABLE external USING fts5 (words, content = 'content'); INSERT INTO external (external) VALUES ('rebuild');
		CREATE VIRTUAL TABLE contentless USING fts5 (words, content = ''); INSERT INTO contentless (rowid, words) VALUES (3, 'up down'), (4, 'down');
		CREATE VIRTUAL TABLE vocabulary USING fts5vocab (ft, 'row'); CREATE TRIGGER keep AFTER INSERT ON content BEGIN INSERT INTO external (rowid, words) VALUES (new.rowid, new.words); END`,
		queries: []string{
			"SELECT rowid, * FROM ft WHERE ft MATCH 'fox' ORDER BY rank", "SELECT rowid, * FROM external WHERE external MATCH 'green' ORDER BY rowid",
			"SELECT rowid FROM contentless WHERE contentless MATCH 'down' ORDER BY rowid", "SELECT * FROM vocabulary",
			"INSERT INTO ft (ft) VALUES ('integrity-check')", "INSERT INTO external (external) VALUES ('integrity-check')",
			"INSERT INTO content (rowid, id, words) VALUES (50, 'c', 'green') RETURNING rowid", "SELECT rowid FROM external WHERE external MATCH 'green' ORDER BY rowid"}},
	"RTree": {make: `CREATE VIRTUAL TABLE rt USING rtree (id, x0, x1, y0, y1, +name); CREATE VIRTUAL TABLE ri USING rtree_i32 (id, a, b);
		WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 300) INSERT INTO rt SELECT i, i, i + 1, -i, 1 - i, 'box ' || i FROM n;
		INSERT INTO ri VALUES (1, -5, 5)`,
		queries: []string{"SELECT * FROM rt WHERE x0 > 50 AND x1 < 60", "SELECT * FROM ri WHERE a < 0", "SELECT rtreecheck('rt')"}},
}

func TestDumpSQL(t *testing.T) {
	t.Parallel()
	for name, schema := range schemas {
		for loader, load := range loaders() {
			t.Run(name+"/"+loader, func(t *testing.T) {
				t.Parallel()
				source := built(t, schema.make)
				before := readFile(t, source)
				text := script(t, source)
				checkSame(t, "dumped database", readFile(t, source), before)
				copied := load(t, text)
				checkTold(t, tell(t, copied), tell(t, source))
				if again := script(t, copied); again != text {
					t.Errorf("the dump of what a dump made is another one:\n%.3000s\nof\n%.3000s", again, text)
				}
				source, copied = private(t, source), private(t, copied)
				for _, query := range append(schema.queries, "PRAGMA integrity_check", "PRAGMA foreign_key_check") {
					checkTold(t, answers(t, copied, query), answers(t, source, query))
				}
			})
		}
	}
}

func private(t testing.TB, path string) string { return writeFile(t, "", readFile(t, path)) }

func answers(t testing.TB, path, query string) []string {
	t.Helper()
	db := dbtest.Open(t, path)
	defer db.Close()
	return ask(t, db, query)
}

// The shell's own dump makes the same database, where it can.
func TestDumpSQLAgainstShell(t *testing.T) {
	t.Parallel()
	for name, schema := range schemas {
		if schema.shellFails {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := built(t, schema.make)
			header := fmt.Sprintf("PRAGMA page_size = %s; PRAGMA auto_vacuum = %s;", shell(t, "PRAGMA page_size", source), shell(t, "PRAGMA auto_vacuum", source))
			theirs := tell(t, loadByShell(t, header+shell(t, ".dump --preserve-rowids", source)))
			ours := tell(t, loadByShell(t, script(t, source)))
			version := func(line string) bool {
				return strings.Contains(line, "user_version") || strings.Contains(line, "application_id")
			}
			checkTold(t, slices.DeleteFunc(ours, version), slices.DeleteFunc(theirs, version))
		})
	}
}

// A database as an application has it, with all objects that dbtest makes.
func TestDumpSQLApplication(t *testing.T) {
	t.Parallel()
	source := newDB(t, dbtest.Options{WAL: true, PageSize: 1024, AutoVacuum: 1})
	dbtest.Mutate(t, source, 1, 200)
	source = writeFile(t, "", content(t, source))
	want := tell(t, private(t, source))
	for name, load := range loaders() {
		t.Run(name, func(t *testing.T) {
			copied := load(t, script(t, source))
			checkTold(t, tell(t, copied), want)
			dbtest.Integrity(t, copied)
			dbtest.CheckInvariant(t, copied)
		})
	}
}

// A full-text index of a kind that only the shell has: its tables come through, although the test's SQLite does not
// know it.
func TestDumpSQLUnknownModule(t *testing.T) {
	t.Parallel()
	source := filepath.Join(t.TempDir(), "fts4.db")
	shell(t, `CREATE VIRTUAL TABLE old USING fts4 (body); INSERT INTO old VALUES ('the quick fox'), ('lazy dogs');
		CREATE TABLE t (a); INSERT INTO t VALUES (1);`, "-bail", source)
	const query = "SELECT rowid, body FROM old WHERE old MATCH 'fox'; SELECT * FROM t;"
	if got, want := shell(t, query, loadByShell(t, script(t, source))), shell(t, query, source); got != want || want == "" {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestDumpSQLRandom fills tables with values that are hard to write as text.
func TestDumpSQLRandom(t *testing.T) {
	t.Parallel()
	seed := *dumpSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-dump-seed=%d", seed)
	for _, encoding := range []string{"UTF-8", "UTF-16le", "UTF-16be"} {
		t.Run(encoding, func(t *testing.T) {
			t.Parallel()
			source := built(t, fmt.Sprintf(`PRAGMA encoding = '%s'; CREATE TABLE t (a, b TEXT, c REAL, d INTEGER, e NUMERIC, f BLOB);
				CREATE TABLE w (k, v, n INTEGER, PRIMARY KEY (k, n)) WITHOUT ROWID`, encoding))
			fillRandom(t, source, rand.New(rand.NewPCG(seed, 1)))
			want := tell(t, source)
			for name, load := range loaders() {
				t.Run(name, func(t *testing.T) { checkTold(t, tell(t, load(t, script(t, source))), want) })
			}
		})
	}
}

func fillRandom(t testing.TB, path string, r *rand.Rand) {
	t.Helper()
	db := dbtest.Open(t, path)
	defer db.Close()
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	for i := range 2000 {
		v := func() any { return randomValue(r) }
		if _, err := tx.Exec("INSERT INTO t VALUES (?, ?, CAST(? AS TEXT), ?, ?, ?)", v(), v(), v(), v(), v(), v()); err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec("INSERT OR IGNORE INTO w VALUES (?, ?, ?)", v(), v(), i); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

// hard lists characters, and parts of characters, that need care.
var hard = []string{"a", "n", "0", "\\", "'", "\"", "\n", "\r", "\r\n", "\x00", "\t", "\x1b", "\x7f", ";", "--", "/*", "ä", "😀", "\ufffe", "\ufeff", "\xff", "\xc3", "\xed\xa0\x80"}

func randomValue(r *rand.Rand) any {
	var b []byte
	for range r.IntN(12) {
		b = append(b, hard[r.IntN(len(hard))]...)
	}
	switch r.IntN(7) {
	case 0:
		return int64(r.Uint64()) >> r.IntN(64)
	case 1:
		return math.Float64frombits(r.Uint64()) // NaN becomes NULL
	case 2:
		return math.Float64frombits(r.Uint64() >> r.IntN(60)) // very small
	case 3:
		return float64(r.IntN(1e9)) / math.Pow10(r.IntN(12))
	case 4:
		return b
	}
	return string(b)
}
