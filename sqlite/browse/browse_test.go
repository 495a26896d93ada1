package browse_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"firn/internal/dbtest"
	"firn/sqlite"
	"firn/sqlite/browse"
)

// view opens the image of a new database.
func view(t *testing.T, statements ...string) *sqlite.View {
	t.Helper()
	path := filepath.Join(t.TempDir(), "app.db")
	dbtest.Create(t, path, dbtest.Options{})
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
	v, err := sqlite.OpenView(t.Context(), bytes.NewReader(b), int64(len(b)))
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

// leaf reads a table to its end, some rows at a time, and returns the first cell of each row.
func leaf(t *testing.T, v *sqlite.View, table string) (cells []string, pages int) {
	t.Helper()
	o := browse.Options{Rows: 2, Columns: 10, Longest: 100}
	for {
		p, err := browse.Read(v, table, o)
		if err != nil {
			t.Fatal(err)
		}
		pages++
		for _, r := range p.Rows {
			cells = append(cells, fmt.Sprint(r.Cells[0].Value))
		}
		if o.After = p.Next; p.Next == "" {
			return cells, pages
		}
	}
}

func TestPageLeafsThroughEveryKind(t *testing.T) {
	t.Parallel()
	v := view(t,
		"CREATE TABLE plain(a)", "INSERT INTO plain VALUES (1),(2),(3),(4),(5)",
		"CREATE TABLE keyed(a INTEGER PRIMARY KEY)", "INSERT INTO keyed VALUES (-5),(0),(9223372036854775807)",
		"CREATE TABLE without(a TEXT, b, PRIMARY KEY(b, a)) WITHOUT ROWID", "INSERT INTO without VALUES ('x', 1),('y', 1.5),('z', x'00ff'),('w', 'it''s')",
		"CREATE TABLE taken(rowid, _rowid_, oid)", "INSERT INTO taken VALUES (1,2,3),(4,5,6),(7,8,9)",
		`CREATE TABLE "a""b'; DROP TABLE plain; --"("c""d")`, `INSERT INTO "a""b'; DROP TABLE plain; --" VALUES (1),(2),(3)`,
		"CREATE VIRTUAL TABLE words USING fts5(w)", "INSERT INTO words VALUES ('one'),('two'),('three')",
		"CREATE VIEW seen AS SELECT a FROM plain")
	for _, tt := range []struct {
		table, want string
		pages       int
	}{
		{"plain", "1 2 3 4 5", 3}, {"PLAIN", "1 2 3 4 5", 3}, {"keyed", "-5 0 9223372036854775807", 2},
		{"without", "x y w z", 2}, {"taken", "1 4", 1}, {`a"b'; DROP TABLE plain; --`, "1 2 3", 2}, {"words", "one two three", 2}, {"seen", "1 2", 1},
	} {
		got, pages := leaf(t, v, tt.table)
		if strings.Join(got, " ") != tt.want || pages != tt.pages {
			t.Errorf("%s: got %v in %d pages, want %s in %d", tt.table, got, pages, tt.want, tt.pages)
		}
	}
}

func TestPageLeavesOutLongValues(t *testing.T) {
	t.Parallel()
	v := view(t, "CREATE TABLE t(a, b)", "INSERT INTO t VALUES (zeroblob(3000000), 'b'), (NULL, printf('%.1000c', 'x'))")
	v.LimitLength(1 << 20) // the first value cannot even be read
	p, err := browse.Read(v, "t", browse.Options{Rows: 10, Columns: 10, Longest: 100})
	if err != nil {
		t.Fatal(err)
	}
	want := []browse.Cell{{nil, "blob", 3000000, true}, {"b", "text", 1, false}, {nil, "null", 0, false}, {nil, "text", 1000, true}}
	for i, got := range append(p.Rows[0].Cells, p.Rows[1].Cells...) {
		if got != want[i] {
			t.Errorf("cell %d: got %v, want %v", i, got, want[i])
		}
	}
	if _, err := browse.Value(v, "t", p.Rows[0].Key, "a"); !errors.Is(err, sqlite.ErrSQL) {
		t.Errorf("a value above the limit: got %v, want ErrSQL", err)
	}
	if got, err := browse.Value(v, "t", p.Rows[1].Key, "b"); err != nil || len(got.(string)) != 1000 {
		t.Errorf("a value below the limit: got %v", err)
	}
}

func TestPageShowsSomeOfManyColumns(t *testing.T) {
	t.Parallel()
	var names []string
	for i := range 2000 {
		names = append(names, fmt.Sprintf("c%d DEFAULT %d", i, i))
	}
	v := view(t, "CREATE TABLE t("+strings.Join(names, ",")+")", "INSERT INTO t DEFAULT VALUES")
	p, err := browse.Read(v, "t", browse.Options{Rows: 1, From: 1900, Columns: 5000, Longest: 10})
	if err != nil || len(p.Columns) != 2000 || len(p.Shown) != 100 || p.Rows[0].Cells[99].Value != int64(1999) {
		t.Fatalf("got %v of %d columns, %v", p.Shown, len(p.Columns), err)
	}
}

func TestPageRefuses(t *testing.T) {
	t.Parallel()
	v := view(t, "CREATE TABLE t(a)", "INSERT INTO t VALUES (1)")
	for name, tt := range map[string]struct {
		table, after string
		want         error
	}{
		"NoTable": {"u", "", browse.ErrNoTable}, "Pragma": {"sqlite_schema) --", "", browse.ErrNoTable},
		"NoBase64": {"t", "!", sqlite.ErrSQL}, "NoJSON": {"t", "YQ", sqlite.ErrSQL}, "EmptyPart": {"t", "WyIiXQ", sqlite.ErrSQL},
		"TwoParts": {"t", "WyJpMSIsImkxIl0", sqlite.ErrSQL}, "BadNumber": {"t", "WyJpeCJd", sqlite.ErrSQL},
	} {
		if _, err := browse.Read(v, tt.table, browse.Options{After: tt.after, Rows: 1, Columns: 1}); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
	if _, err := browse.Value(v, "t", "WyJpMSJd", "b"); !errors.Is(err, browse.ErrNoTable) {
		t.Errorf("no column: got %v, want ErrNoTable", err)
	}
	if _, err := browse.Value(v, "t", "WyJpOSJd", "a"); !errors.Is(err, browse.ErrNoTable) {
		t.Errorf("no row: got %v, want ErrNoTable", err)
	}
}
