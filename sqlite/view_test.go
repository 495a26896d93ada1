package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"firn/internal/dbtest"
	"firn/sqlite"
)

// imageOf makes a database with dbtest and returns its bytes.
func imageOf(t testing.TB, o dbtest.Options, statements ...string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "app.db")
	dbtest.Create(t, path, o)
	db := dbtest.Open(t, path)
	for _, s := range statements {
		dbtest.Exec(t, db, s)
	}
	if err := db.Close(); err != nil { // and checkpoint
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// view opens an image.
func view(t testing.TB, image []byte) *sqlite.View {
	t.Helper()
	return viewOf(t, t.Context(), bytes.NewReader(image), len(image))
}

func viewOf(t testing.TB, ctx context.Context, r io.ReaderAt, size int) *sqlite.View {
	t.Helper()
	v, err := sqlite.OpenView(ctx, r, int64(size))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	})
	return v
}

// ask returns the rows of a query: columns, and then values with their types.
func askView(v *sqlite.View, sql string) (lines []string, err error) {
	err = v.Query(sql, func(columns []string) error {
		lines = append(lines, strings.Join(columns, "|"))
		return nil
	}, func(values []any) error {
		var cells []string
		for _, v := range values {
			cells = append(cells, fmt.Sprintf("%T %v", v, v))
		}
		lines = append(lines, strings.Join(cells, "|"))
		return nil
	})
	return lines, err
}

// wantRows runs a query and compares its rows.
func wantAnswer(t testing.TB, v *sqlite.View, sql string, want ...string) {
	t.Helper()
	got, err := askView(v, sql)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%s: got %q, %v, want %q", sql, got, err, want)
	}
}

func TestView(t *testing.T) {
	t.Parallel()
	for _, wal := range []bool{false, true} {
		for _, pageSize := range []int{512, 1024, 4096, 65536} {
			t.Run(fmt.Sprintf("page=%d,wal=%v", pageSize, wal), func(t *testing.T) {
				t.Parallel()
				image := imageOf(t, dbtest.Options{PageSize: pageSize, WAL: wal})
				if got := image[18] == 2; got != wal {
					t.Fatalf("WAL in the header: got %v, want %v", got, wal)
				}
				v := view(t, image)
				wantAnswer(t, v, "SELECT count(*) AS n, sum(amount) FROM ledger_a", "n|sum(amount)", "int64 16|int64 16000")
				wantAnswer(t, v, "SELECT count(*) FROM posts JOIN users ON users.id = author WHERE body > ''", "count(*)", "int64 180")
				wantAnswer(t, v, "PRAGMA integrity_check", "integrity_check", "string ok")
			})
		}
	}
}

func TestViewValues(t *testing.T) {
	t.Parallel()
	image := imageOf(t, dbtest.Options{}, "CREATE TABLE v(a); INSERT INTO v VALUES (randomblob(3000000)), (hex(zeroblob(700000)))")
	v := view(t, image)
	wantAnswer(t, v, "SELECT NULL, -9223372036854775808, 0.5, 'ü' || char(0) || 'x', x'00ff', x'', ''",
		"NULL|-9223372036854775808|0.5|'ü' || char(0) || 'x'|x'00ff'|x''|''",
		"<nil> <nil>|int64 -9223372036854775808|float64 0.5|string ü\x00x|[]uint8 [0 255]|[]uint8 []|string ")
	wantAnswer(t, v, "SELECT 1 AS a, 2 AS a WHERE 0", "a|a")
	var lengths []int
	err := v.Query("SELECT a FROM v", func([]string) error { return nil }, func(values []any) error {
		switch value := values[0].(type) {
		case []byte:
			lengths = append(lengths, len(value))
		case string:
			lengths = append(lengths, len(value))
		}
		return nil
	})
	if want := []int{3000000, 1400000}; err != nil || !slices.Equal(lengths, want) {
		t.Errorf("rows of many pages: got lengths %v, %v, want %v", lengths, err, want)
	}
}

// TestViewUTF16 reads a database with text in UTF-16.
func TestViewUTF16(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "app.db")
	db := dbtest.Open(t, path)
	dbtest.Exec(t, db, "PRAGMA encoding = 'UTF-16le'; CREATE TABLE t(a); INSERT INTO t VALUES ('grün')")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	image, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	wantAnswer(t, view(t, image), "SELECT a FROM t", "a", "string grün")
}

func TestViewModules(t *testing.T) {
	t.Parallel()
	v := view(t, imageOf(t, dbtest.Options{},
		"CREATE VIRTUAL TABLE words USING fts5(text); INSERT INTO words VALUES ('snow on firn'), ('rain')",
		"CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1); INSERT INTO boxes VALUES (1, 0, 5), (2, 7, 9)",
		"CREATE VIEW names AS SELECT json_extract(profile, '$.name') AS name FROM users",
		"CREATE VIEW found AS SELECT text FROM words('firn')"))
	wantAnswer(t, v, "SELECT text, rank < 0 FROM words('snow')", "text|rank < 0", "string snow on firn|int64 1")
	wantAnswer(t, v, "SELECT * FROM found", "text", "string snow on firn")
	wantAnswer(t, v, "SELECT id FROM boxes WHERE x0 > 6", "id", "int64 2")
	wantAnswer(t, v, "SELECT count(name), count(DISTINCT length(name)) FROM names", "count(name)|count(DISTINCT length(name))", "int64 50|int64 1")
	wantAnswer(t, v, "SELECT count(*) FROM sessions WHERE token > ''", "count(*)", "int64 200")
	wantAnswer(t, v, "SELECT value FROM json_each('[1,2]')", "value", "int64 1", "int64 2")
	wantAnswer(t, v, "SELECT name FROM pragma_table_info('ledger_a')", "name", "string account", "string amount")
	wantAnswer(t, v, "PRAGMA index_info(users_token)", "seqno|cid|name", "int64 0|int64 2|string token")
	wantAnswer(t, v, "WITH RECURSIVE c(i) AS (SELECT 1 UNION SELECT i + 1 FROM c WHERE i < 1000) SELECT max(i) FROM c", "max(i)", "int64 1000")
}

// TestViewSorts sorts more than SQLite keeps in memory: it needs a temporary file.
func TestViewSorts(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine, and slow under the race detector")
	}
	t.Parallel()
	v := view(t, imageOf(t, dbtest.Options{}))
	wantAnswer(t, v, `WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 60000)
		SELECT i, length(b) FROM (SELECT i, hex(randomblob(300)) AS b FROM c ORDER BY b LIMIT 60000) ORDER BY i DESC LIMIT 1`,
		"i|length(b)", "int64 60000|int64 600")
}

func TestViewReadsOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	other, out := filepath.Join(dir, "other.db"), filepath.Join(dir, "out.db")
	dbtest.Create(t, other, dbtest.Options{})
	image := imageOf(t, dbtest.Options{}, "CREATE VIRTUAL TABLE words USING fts5(text)")
	before := bytes.Clone(image)
	v := view(t, image)
	for _, sql := range []string{
		"INSERT INTO ledger_a VALUES (99, 1)", "INSERT INTO ledger_a VALUES (99, 1) RETURNING *", "DELETE FROM posts",
		"UPDATE users SET email = id", "INSERT INTO words VALUES ('x')", "INSERT INTO words(words) VALUES ('optimize')",
		"WITH x AS (SELECT 1) DELETE FROM users", "REPLACE INTO ledger_a VALUES (1, 1)",
		"DROP TABLE posts", "CREATE TABLE x(a)", "CREATE TEMP TABLE x(a)", "CREATE TEMP VIEW x AS SELECT 1", "CREATE INDEX x ON users(id)",
		"CREATE TEMP TRIGGER x AFTER INSERT ON users BEGIN SELECT 1; END", "CREATE VIRTUAL TABLE temp.x USING fts5(a)", "ALTER TABLE users RENAME TO people",
		"VACUUM", "VACUUM INTO '" + out + "'", "REINDEX", "ANALYZE", "PRAGMA optimize", "PRAGMA incremental_vacuum",
		"ATTACH '" + other + "' AS other", "ATTACH ':memory:' AS other", "ATTACH 'file:" + other + "?vfs=unix' AS other", "DETACH main",
		"BEGIN", "BEGIN IMMEDIATE", "SAVEPOINT x",
		"PRAGMA query_only = 0", "PRAGMA Query_Only(0)", "PRAGMA main.journal_mode = wal", "PRAGMA user_version = 3", "PRAGMA writable_schema = 1",
		"PRAGMA trusted_schema = 1", "PRAGMA hard_heap_limit = 1000", "PRAGMA temp_store_directory = '" + dir + "'", "PRAGMA mmap_size = 1000000",
		"UPDATE sqlite_dbpage SET data = zeroblob(4096) WHERE pgno = 2", "EXPLAIN DELETE FROM users",
	} {
		if got, err := askView(v, sql); !errors.Is(err, sqlite.ErrReadOnly) {
			t.Errorf("%s: got %v, %v, want %v", sql, got, err, sqlite.ErrReadOnly)
		}
	}
	for _, sql := range []string{"UPDATE sqlite_schema SET sql = ''", "SELECT load_extension('x')", "SELECT writefile('" + out + "', 'x')", "SELECT readfile('" + other + "')", "SELECT fts3_tokenizer('x', x'00')"} {
		if _, err := askView(v, sql); !errors.Is(err, sqlite.ErrSQL) {
			t.Errorf("%s: got %v, want %v", sql, err, sqlite.ErrSQL)
		}
	}
	if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) || !bytes.Equal(image, before) {
		t.Errorf("something was written: the image, or %s: %v", out, err)
	}
	wantAnswer(t, v, "PRAGMA query_only", "query_only", "int64 1")
}

func TestViewSQL(t *testing.T) {
	t.Parallel()
	v := view(t, imageOf(t, dbtest.Options{}))
	for sql, want := range map[string]string{
		"":                            "SQL error: there is no statement",
		" -- nothing\n;":              "SQL error: there is no statement",
		"SELEC 1":                     `SQL error: near "SELEC": syntax error (SQLite code 1)`,
		"SELECT a FROM users":         "SQL error: no such column: a (SQLite code 1)",
		"SELECT 1; SELECT 'two'":      `SQL error: more than one statement, the second is "SELECT 'two'"`,
		"SELECT 1; nonsense":          `SQL error: near "nonsense": syntax error (SQLite code 1)`,
		"SELECT 1\x00; SELECT 2":      "SQL error: the text holds a zero byte",
		"SELECT json('{') FROM users": "SQL error: malformed JSON (SQLite code 1)",
	} {
		if _, err := askView(v, sql); !errors.Is(err, sqlite.ErrSQL) || err.Error() != want {
			t.Errorf("%q: got %v, want %s", sql, err, want)
		}
	}
	wantAnswer(t, v, ";\n/* one */ SELECT 'ä;' ; ; -- and no more\n", "'ä;'", "string ä;")

	stop := errors.New("stop")
	none := func([]any) error { t.Error("a row after head has failed"); return nil }
	if err := v.Query("SELECT 1", func([]string) error { return stop }, none); err != stop {
		t.Errorf("head fails: got %v, want %v", err, stop)
	}
	n := 0
	err := v.Query("SELECT id FROM users", func([]string) error { return nil }, func([]any) error { n++; return stop })
	if err != stop || n != 1 {
		t.Errorf("row fails: got %v after %d rows, want %v after 1", err, n, stop)
	}
}

// TestViewHostile opens a database with a schema that would do more than read, if its reader let it.
func TestViewHostile(t *testing.T) {
	t.Parallel()
	v := view(t, imageOf(t, dbtest.Options{}, "CREATE VIEW pages AS SELECT pgno FROM sqlite_dbpage", "CREATE VIEW loads AS SELECT load_extension('x') AS a"))
	for _, sql := range []string{"SELECT * FROM pages", "SELECT * FROM loads"} {
		if _, err := askView(v, sql); !errors.Is(err, sqlite.ErrSQL) || !strings.Contains(err.Error(), "unsafe use") {
			t.Errorf("%s: got %v, want unsafe use", sql, err)
		}
	}
	wantAnswer(t, v, "SELECT count(*) > 0 FROM sqlite_dbpage", "count(*) > 0", "int64 1") // the user may
}

// countedAt counts the distinct 64 KiB of an image that were read.
type countedAt struct {
	io.ReaderAt
	parts map[int64]bool
}

func (c *countedAt) ReadAt(p []byte, off int64) (int, error) {
	for at := off; at < off+int64(len(p)); at++ {
		c.parts[at>>16] = true
	}
	return c.ReaderAt.ReadAt(p, off)
}

// TestViewReadsLittle looks up one row by its key.
func TestViewReadsLittle(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine, and slow under the race detector")
	}
	t.Parallel()
	image := imageOf(t, dbtest.Options{Rows: 8000})
	r := &countedAt{bytes.NewReader(image), make(map[int64]bool)}
	v := viewOf(t, t.Context(), r, len(image))
	if len(r.parts) != 1 {
		t.Errorf("opening: got %d parts, want 1", len(r.parts))
	}
	wantAnswer(t, v, "SELECT id FROM posts WHERE id = 4001", "id", "int64 4001")
	if got, all := len(r.parts), len(image)>>16; got > 5 || all < 100 {
		t.Errorf("one row: got %d parts of %d, want at most 5", got, all)
	}
}
