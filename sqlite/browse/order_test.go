package browse_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"firn/sqlite"
	"firn/sqlite/browse"
)

// mixed are values of all types, some of them equal, some only for a collation, and some that no URL could hold.
const mixed = `(NULL), (3), (-1), (3.0), (2.5), ('b'), ('B'), ('b '), (''), (x''), (x'00ff'), (CAST(x'610062' AS TEXT)), (CAST(x'ff' AS TEXT)),
	(NULL), ('3'), (9e999), (-9223372036854775808), (printf('%.5000c', 'z')), (printf('%.5000c', 'z')), ('B')`

// tables are tables with these values in the column a, by what is special about them.
func tables() map[string][]string {
	made := map[string][]string{}
	for name, definition := range map[string]string{
		"Untyped": "t(a)", "Indexed": "t(a); CREATE INDEX i ON t(a)", "Text": "t(a TEXT)", "Number": "t(a INTEGER); CREATE INDEX i ON t(a DESC)",
		"Real": "t(a REAL)", "NoCase": "t(a TEXT COLLATE NOCASE)", "TakenRowid": "t(a, rowid)",
		"Trimmed": "t(a COLLATE RTRIM); CREATE INDEX i ON t(a)", "Key": "t(a PRIMARY KEY ON CONFLICT IGNORE)", "Alias": "t(id INTEGER PRIMARY KEY, a)",
		"Generated": "t(a, b AS (a || 'x'))",
	} {
		made[name] = []string{"CREATE TABLE " + definition, "INSERT INTO t(a) VALUES " + mixed}
	}
	made["WithoutRowid"] = []string{
		"CREATE TABLE t(a, n, m TEXT DEFAULT 'k', PRIMARY KEY (m, n DESC)) WITHOUT ROWID", "CREATE TABLE v(id INTEGER PRIMARY KEY, a)",
		"INSERT INTO v(a) VALUES " + mixed, "INSERT INTO t(a, n) SELECT a, id FROM v",
	}
	return made
}

// keyOf is the order of the key of a test's table.
func keyOf(name, direction string) string {
	switch name {
	case "WithoutRowid":
		return "m" + direction + ", n" + direction
	case "TakenRowid":
		return "_rowid_" + direction
	}
	return "rowid" + direction
}

// TestSortedPagesAreTheWhole compares all pages of a sorted table with what SQLite sorts at once.
func TestSortedPagesAreTheWhole(t *testing.T) {
	t.Parallel()
	for name, statements := range tables() {
		v := view(t, statements...)
		for _, direction := range []string{"", " DESC"} {
			for _, size := range []int{1, 3, 100} {
				var want []string
				all := "SELECT quote(a) FROM t ORDER BY a" + direction + ", " + keyOf(name, direction)
				if err := v.Each(all, nil, func(row []any) error { want = append(want, fmt.Sprint(row[0])); return nil }); err != nil {
					t.Fatal(err)
				}
				got := sorted(t, v, browse.Options{Rows: size, Columns: 9, Longest: 1 << 20, Sort: "a", Descending: direction != ""})
				if !slices.Equal(got, want) {
					t.Errorf("%s%s by %d: got %.300v, want %.300v", name, direction, size, got, want)
				}
			}
		}
	}
}

// sorted reads all pages, and returns what is in the column a of each row as a literal.
func sorted(t *testing.T, v *sqlite.View, o browse.Options) (all []string) {
	t.Helper()
	for pages := 0; ; pages++ {
		p, err := browse.Read(v, "t", o)
		if err != nil || pages > 30 {
			t.Fatalf("page %d: %v", pages, err)
		}
		at := slices.Index(p.Shown, "a")
		for _, r := range p.Rows {
			if err := v.Each("SELECT quote(?)", []any{r.Cells[at].Value}, func(row []any) error { all = append(all, fmt.Sprint(row[0])); return nil }); err != nil {
				t.Fatal(err)
			}
		}
		if o.After = p.Next; p.Next == "" {
			return all
		}
	}
}

func TestSortSaysWhetherThereIsAnIndex(t *testing.T) {
	t.Parallel()
	v := view(t, "CREATE TABLE t(a, b)", "CREATE INDEX i ON t(a)", "INSERT INTO t VALUES (1, 2), (3, 4), (NULL, 5), (NULL, 6)")
	for _, descending := range []bool{false, true} {
		o := browse.Options{Rows: 1, Columns: 9, Sort: "a", Descending: descending}
		for n := range 4 {
			p, err := browse.Read(v, "t", o)
			if err != nil || p.Sorts {
				t.Errorf("page %d by a, which has an index: %v, sorts %v", n, err, p.Sorts)
			}
			o.After = p.Next
		}
		if p, err := browse.Read(v, "t", browse.Options{Rows: 1, Columns: 9, Sort: "b", Descending: descending}); err != nil || !p.Sorts {
			t.Errorf("by b, which has none: %v, sorts %v", err, p.Sorts)
		}
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	v := view(t, `CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, n INTEGER, x, "a""b'; --" TEXT)`,
		"INSERT INTO t VALUES (1, 'Ada', 36, 5, 'q'), (2, 'Grace 100%', 85, '5', NULL), (3, NULL, -1, x'3500', ''), (4, CAST(x'6100c3a4' AS TEXT), NULL, 5.5, 'ADA')",
		"INSERT INTO t VALUES (5, x'616461', 7, 'it''s', 'z'), (6, printf('%.2000000c', 'a') || 'ada', 8, NULL, NULL)")
	for _, tt := range []struct {
		search string
		filter browse.Filter
		want   string
	}{
		{"ada", browse.Filter{}, "1 4"}, {"100%", browse.Filter{}, "2"}, {"%", browse.Filter{}, "2"}, {"_", browse.Filter{}, ""}, {"5", browse.Filter{}, "1 2 4 5"},
		{"\x00", browse.Filter{}, "4"}, {"' OR 1 --", browse.Filter{}, ""}, {"it's", browse.Filter{}, "5"}, {"Ä", browse.Filter{}, ""}, {"ä", browse.Filter{}, "4"},
		{"", browse.Filter{"name", "=", "Ada"}, "1"}, {"", browse.Filter{"n", "=", "36"}, "1"}, {"", browse.Filter{"n", "<", "36"}, "3 5 6"},
		{"", browse.Filter{"n", ">", "36"}, "2"}, {"", browse.Filter{"x", "=", "5"}, "1"}, {"", browse.Filter{"x", "=", "'5'"}, "2"},
		{"", browse.Filter{"x", "=", "x'3500'"}, "3"}, {"", browse.Filter{"x", "<", "5.7"}, "1 4"}, {"", browse.Filter{"name", "contains", "ADA"}, "1"},
		{"", browse.Filter{"n", "contains", "3"}, "1"}, {"", browse.Filter{"name", "is null", "ignored"}, "3"}, {"", browse.Filter{"n", "is not null", ""}, "1 2 3 5 6"},
		{"ada", browse.Filter{"n", ">", "1"}, "1"}, {"", browse.Filter{`a"b'; --`, "=", "q"}, "1"},
	} {
		var got []string
		o := browse.Options{Rows: 2, Columns: 9, Longest: 100, Search: tt.search, Filter: tt.filter, Sort: "id"}
		for {
			p, err := browse.Read(v, "t", o)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range p.Rows {
				got = append(got, fmt.Sprint(r.Cells[0].Value))
			}
			if o.After = p.Next; p.Next == "" {
				break
			}
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%q %v: got %v, want %s", tt.search, tt.filter, got, tt.want)
		}
		var each []string
		o.After = ""
		if err := browse.Each(v, "t", o, func([]string) error { return nil }, func(row []any) error { each = append(each, fmt.Sprint(row[0])); return nil }); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(each, got) {
			t.Errorf("%q %v: got %v at once, %v in pages", tt.search, tt.filter, each, got)
		}
	}
}

func TestSortAndFilterRefuse(t *testing.T) {
	t.Parallel()
	v := view(t, "CREATE TABLE t(a)", "INSERT INTO t VALUES (1)", "CREATE VIEW w AS SELECT a FROM t")
	for name, tt := range map[string]struct {
		o    browse.Options
		want error
	}{
		"NoColumn": {browse.Options{Sort: "b"}, browse.ErrNoTable}, "SQLForColumn": {browse.Options{Sort: "a, (SELECT 1)"}, browse.ErrNoTable},
		"NoFilteredColumn": {browse.Options{Filter: browse.Filter{Column: "1 OR 1", Op: "="}}, browse.ErrNoTable},
		"NoComparison":     {browse.Options{Filter: browse.Filter{Column: "a", Op: "LIKE"}}, sqlite.ErrSQL},
		"NoKey":            {browse.Options{Sort: "a", After: "!"}, sqlite.ErrSQL}, "NoRow": {browse.Options{Sort: "a", After: browse.EncodeKey([]any{int64(9)})}, sqlite.ErrSQL},
		"OtherKey": {browse.Options{Sort: "a", After: browse.EncodeKey([]any{int64(1), int64(1)})}, sqlite.ErrSQL},
	} {
		tt.o.Rows, tt.o.Columns = 1, 1
		if _, err := browse.Read(v, "t", tt.o); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
	if p, err := browse.Read(v, "w", browse.Options{Rows: 1, Columns: 1, Sort: "a", Search: "1"}); err != nil || len(p.Rows) != 1 || p.Keyed {
		t.Errorf("a view: got %+v, %v", p, err)
	}
	if _, err := browse.Read(v, "w", browse.Options{Rows: 1, Columns: 1, Sort: "a", After: browse.EncodeKey([]any{int64(1)})}); !errors.Is(err, sqlite.ErrSQL) {
		t.Errorf("a key for a view: got %v", err)
	}
}

func TestIdentities(t *testing.T) {
	t.Parallel()
	v := view(t, "CREATE TABLE t(a TEXT PRIMARY KEY, b)", "INSERT INTO t VALUES ('x', 1), ('y', 2), (NULL, 3)",
		"CREATE TABLE plain(rowid TEXT)", "INSERT INTO plain VALUES ('one')", "CREATE TABLE taken(rowid, _rowid_, oid)", "INSERT INTO taken VALUES (1, 2, 3)",
		"CREATE VIEW w AS SELECT a FROM t")
	key := func(n int64) string { return browse.EncodeKey([]any{n}) }
	for _, tt := range []struct {
		table string
		keys  []string
		want  string
	}{
		{"t", []string{key(2), key(1), key(2)}, `("a") IN (VALUES (?), (?)) [x y]`}, {"t", []string{key(1), key(3)}, `(rowid) IN (VALUES (?), (?)) [1 3]`},
		{"plain", []string{key(1)}, `(_rowid_) IN (VALUES (?)) [1]`},
	} {
		i, err := browse.Identify(v, tt.table, tt.keys)
		if err != nil {
			t.Fatal(err)
		}
		where, args, err := i.Where()
		if got := fmt.Sprint(where, " ", args); err != nil || got != tt.want {
			t.Errorf("%s: got %s, %v, want %s", tt.table, got, err, tt.want)
		}
	}
	for table, want := range map[string]error{"taken": browse.ErrNoKey, "w": browse.ErrNoKey, "none": browse.ErrNoTable} {
		if _, err := browse.Identify(v, table, []string{key(1)}); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", table, err, want)
		}
	}
	if _, err := browse.Identify(v, "t", []string{key(1), key(9)}); !errors.Is(err, browse.ErrNoTable) {
		t.Errorf("a key without a row: got %v", err)
	}
	if _, err := browse.Identify(v, "t", []string{"!"}); !errors.Is(err, sqlite.ErrSQL) {
		t.Errorf("no key: got %v", err)
	}
	many := &browse.Identity{Columns: []string{"a", "b"}, Rows: make([][]any, 20_000)}
	if _, _, err := many.Where(); !errors.Is(err, browse.ErrTooMany) {
		t.Errorf("many rows: got %v", err)
	}
}

// FuzzKey reads a table behind any key: SQLite never gets a part of it as SQL, and what is no key is refused.
func FuzzKey(f *testing.F) {
	for _, values := range [][]any{{int64(1)}, {1.5}, {"x"}, {[]byte{0}}, {int64(1), "x"}, {}} {
		f.Add(browse.EncodeKey(values))
	}
	f.Add("WyJyTmFOIl0")
	f.Fuzz(func(t *testing.T, key string) {
		v := view(t, "CREATE TABLE t(a)", "INSERT INTO t VALUES (1), (2)")
		for _, sort := range []string{"", "a"} {
			if _, err := browse.Read(v, "t", browse.Options{Rows: 1, Columns: 1, Sort: sort, After: key}); err != nil && !errors.Is(err, sqlite.ErrSQL) {
				t.Errorf("%q: got %v", key, err)
			}
		}
	})
}
