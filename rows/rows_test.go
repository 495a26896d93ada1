package rows_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"firn/internal/dbtest"
	"firn/rows"
	"firn/sqlite"
)

// open makes a database by statements, and opens its image.
func open(t *testing.T, statements ...string) *rows.Image {
	t.Helper()
	path := filepath.Join(t.TempDir(), "app.db")
	db := dbtest.Open(t, path)
	for _, s := range statements {
		dbtest.Exec(t, db, s)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	image, err := rows.Open(t.Context(), bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { image.Close() })
	return image
}

// TestKeys finds rows by words.
func TestKeys(t *testing.T) {
	t.Parallel()
	image := open(t,
		"CREATE TABLE number(id INTEGER PRIMARY KEY, a); INSERT INTO number VALUES (4711, 'number'), (-9, 'negative')",
		"CREATE TABLE texts(id TEXT PRIMARY KEY, a); INSERT INTO texts VALUES ('4711', 'text'), ('x''00''', 'quoted'), ('id=1', 'named'), ('', 'empty')",
		"CREATE TABLE fraction(id REAL PRIMARY KEY, a); INSERT INTO fraction VALUES (2, 'two'), (0.5, 'half')",
		"CREATE TABLE untyped(id PRIMARY KEY, a); INSERT INTO untyped VALUES (1, 'int'), ('1', 'text'), (1.5, 'real'), (x'00ff', 'blob'), ('it''s', 'quote'), (NULL, 'null'), ('NULL', 'NULL')",
		"CREATE TABLE strict(id ANY PRIMARY KEY, a TEXT) STRICT; INSERT INTO strict VALUES (1, 'int'), ('1', 'text')",
		"CREATE TABLE nocase(id TEXT COLLATE NOCASE PRIMARY KEY, a) WITHOUT ROWID; INSERT INTO nocase VALUES ('Ann', 'ann')",
		"CREATE TABLE pair(x INTEGER, y TEXT, a, PRIMARY KEY (y, x)); INSERT INTO pair VALUES (1, 'one', 'pair'), (2, 'two', 'other')",
		"CREATE TABLE plain(a, u UNIQUE); INSERT INTO plain VALUES ('first', NULL), ('second', NULL), ('third', 'u')",
		"CREATE TABLE hidden(rowid TEXT, oid TEXT, a); INSERT INTO hidden VALUES ('9', '9', 'hidden')",
		"CREATE TABLE computed(id INTEGER PRIMARY KEY, b AS (id * 2) UNIQUE, a); INSERT INTO computed(id, a) VALUES (3, 'six')",
		"CREATE VIRTUAL TABLE words USING fts5(a); INSERT INTO words VALUES ('snow')",
		`CREATE TABLE "odd "" name"("id ""; --" PRIMARY KEY, a); INSERT INTO "odd "" name" VALUES (1, 'odd')`,
	)
	for _, tt := range []struct{ table, by, words, want string }{
		{"number", "", "4711", "number"}, {"NUMBER", "", "4711.0", "number"}, {"number", "", "id=-9", "negative"}, {"number", "", "x", ""},
		{"number", "rowid", "4711", "number"}, {"number", "id", "4711", "number"},
		{"texts", "", "4711", "text"}, {"texts", "", "x'00'", "quoted"}, {"texts", "", "id=1", ""}, {"texts", "", "id=id=1", "named"}, {"texts", "", "id=", "empty"},
		{"texts", "", "4711.0", ""}, {"fraction", "", "2", "two"}, {"fraction", "", ".5", "half"},
		{"untyped", "", "1", "int"}, {"untyped", "", "1.0", "int"}, {"untyped", "", "'1'", "text"}, {"untyped", "", "1.5", "real"}, {"untyped", "", "X'00FF'", "blob"},
		{"untyped", "", "it's", "quote"}, {"untyped", "", "'it''s'", "quote"}, {"untyped", "", "NULL", "NULL"},
		{"strict", "", "1", "int"}, {"strict", "", "'1'", "text"}, {"nocase", "", "ANN", "ann"},
		{"pair", "", "one 1", "pair"}, {"pair", "", "x=1 y=one", "pair"}, {"pair", "", "Y=two X=2", "other"}, {"pair", "", "one 2", ""},
		{"plain", "", "2", "second"}, {"plain", "rowid", "1", "first"}, {"plain", "u", "u", "third"}, {"plain", "u", "NULL", ""}, {"plain", "OID", "3", "third"},
		{"hidden", "rowid", "9", "hidden"}, {"hidden", "_rowid_", "1", "hidden"}, {"hidden", "", "1", "hidden"},
		{"computed", "b", "6", "six"}, {"words", "", "1", "snow"}, {"words", "rowid", "2", ""}, {`odd " name`, "", "1", "odd"},
	} {
		k := rows.Key{By: tt.by}
		for _, w := range bytes.Fields([]byte(tt.words)) {
			k.Words = append(k.Words, string(w))
		}
		table, err := image.Table(tt.table)
		if err != nil {
			t.Errorf("%+v: %v", tt, err)
			continue
		}
		row, err := image.Row(table, k)
		if err != nil {
			t.Errorf("%+v: %v", tt, err)
		}
		got := ""
		for _, f := range row {
			if f.Name == "a" {
				got = fmt.Sprint(f.Value)
			}
		}
		if got != tt.want {
			t.Errorf("%+v: got %q", tt, got)
		}
	}
}

// TestWrongKeys refuses keys that do not fit.
func TestWrongKeys(t *testing.T) {
	t.Parallel()
	image := open(t,
		"CREATE TABLE pair(x, y, a, PRIMARY KEY (x, y)) WITHOUT ROWID; INSERT INTO pair VALUES (1, 1, 'same'), (2, 2, 'same')",
		"CREATE TABLE full(rowid, oid, _rowid_); INSERT INTO full VALUES (1, 2, 3)", "CREATE VIEW v AS SELECT 1",
		"CREATE TABLE part(a, b); CREATE UNIQUE INDEX some ON part(a) WHERE b; CREATE UNIQUE INDEX expression ON part(abs(b)); CREATE UNIQUE INDEX two ON part(a, b)",
	)
	for _, tt := range []struct {
		table string
		key   rows.Key
		want  error
	}{
		{"pair", rows.Key{Words: []string{"1"}}, rows.ErrKey}, {"pair", rows.Key{Words: []string{"1", "1", "1"}}, rows.ErrKey},
		{"pair", rows.Key{}, rows.ErrKey}, {"pair", rows.Key{By: "rowid", Words: []string{"1"}}, rows.ErrKey},
		{"pair", rows.Key{By: "a", Words: []string{"same"}}, rows.ErrSeveral}, {"pair", rows.Key{By: "none", Words: []string{"1"}}, rows.ErrKey},
		{"full", rows.Key{Words: []string{"1"}}, rows.ErrKey}, {"part", rows.Key{Words: []string{"one"}}, rows.ErrKey},
	} {
		table, err := image.Table(tt.table)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := image.Row(table, tt.key); !errors.Is(err, tt.want) {
			t.Errorf("%s %q: got %v, want %v", tt.table, tt.key, err, tt.want)
		}
	}
	part, err := image.Table("part")
	if err != nil {
		t.Fatal(err)
	}
	for _, by := range []string{"a", "b", "none"} {
		if err := part.CheckUnique(rows.Key{By: by}); !errors.Is(err, rows.ErrKey) {
			t.Errorf("column %s: got %v, want %v", by, err, rows.ErrKey)
		}
	}
	for _, name := range []string{"v", "none", "", "some"} {
		if _, err := image.Table(name); !errors.Is(err, rows.ErrNoTable) {
			t.Errorf("table %q: got %v, want %v", name, err, rows.ErrNoTable)
		}
	}
}

// TestTable tells the keys of tables.
func TestTable(t *testing.T) {
	t.Parallel()
	image := open(t,
		"CREATE TABLE alias(Id INTEGER PRIMARY KEY, e TEXT UNIQUE, n INT)", "CREATE TABLE upwards(id INTEGER PRIMARY KEY DESC)",
		"CREATE TABLE without(b, a INTEGER, PRIMARY KEY (a, b)) WITHOUT ROWID", "CREATE TABLE single(a INTEGER PRIMARY KEY) WITHOUT ROWID",
		"CREATE TABLE plain(a)", "CREATE VIRTUAL TABLE words USING fts5(a)",
	)
	type keys struct {
		Primary, Unique []string
		Alias, Virtual  bool
		Keys            string
	}
	for name, want := range map[string]keys{
		"alias":   {[]string{"Id"}, []string{"e", "Id"}, true, false, "The primary key is Id. Unique columns are e, Id."},
		"upwards": {[]string{"id"}, []string{"id"}, false, false, "The primary key is id. Unique columns are id."},
		"without": {[]string{"a", "b"}, nil, false, false, "The primary key is a, b."},
		"single":  {[]string{"a"}, []string{"a"}, false, false, "The primary key is a. Unique columns are a."},
		"plain":   {nil, nil, false, false, "It has no key but its rowid."},
		"words":   {nil, nil, false, true, "It has no key but its rowid."},
	} {
		table, err := image.Table(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := (keys{table.Primary, table.Unique, table.Alias, table.Virtual, table.Keys()}); !reflect.DeepEqual(got, want) {
			t.Errorf("table %s: got %+v, want %+v", name, got, want)
		}
	}
	names, err := image.Names()
	if want := []string{"alias", "plain", "single", "upwards", "without", "words"}; err != nil || !reflect.DeepEqual(names, want) {
		t.Errorf("names: got %q, %v, want %q", names, err, want)
	}
}

// TestBind keeps the columns of a key for a table whose key has another order, and takes the order where a column was renamed.
func TestBind(t *testing.T) {
	t.Parallel()
	image := open(t,
		"CREATE TABLE now(x, y, a, PRIMARY KEY (x, y))", "CREATE TABLE turned(x, y, a, PRIMARY KEY (y, x)); INSERT INTO turned VALUES (1, 2, 'turned')",
		"CREATE TABLE renamed(x, z, a, PRIMARY KEY (x, z)); INSERT INTO renamed VALUES (1, 2, 'renamed')", "CREATE TABLE other(x PRIMARY KEY, a)",
	)
	now, err := image.Table("now")
	if err != nil {
		t.Fatal(err)
	}
	for _, words := range [][]string{{"1", "2"}, {"y=2", "x=1"}} {
		k, err := now.Bind(rows.Key{Words: words})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"turned", "renamed"} {
			table, err := image.Table(name)
			if err != nil {
				t.Fatal(err)
			}
			if row, err := image.Row(table, k); err != nil || len(row) != 3 || row[2].Value != name {
				t.Errorf("table %s, key %q: got %v, %v", name, words, row, err)
			}
		}
		other, err := image.Table("other")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := image.Row(other, k); !errors.Is(err, rows.ErrKey) {
			t.Errorf("another table: got %v, want %v", err, rows.ErrKey)
		}
	}
	if _, err := now.Bind(rows.Key{Words: []string{"1"}}); !errors.Is(err, rows.ErrKey) {
		t.Errorf("half a key: got %v, want %v", err, rows.ErrKey)
	}
}

// TestNoModule tells of a virtual table that only its application can read.
func TestNoModule(t *testing.T) {
	t.Parallel()
	image := open(t, "CREATE TABLE t(a)", "PRAGMA writable_schema = ON",
		"INSERT INTO sqlite_schema VALUES ('table', 'own', 'own', 0, 'CREATE VIRTUAL TABLE own USING own(a)')")
	if _, err := image.Table("own"); !errors.Is(err, sqlite.ErrSQL) {
		t.Errorf("got %v, want %v", err, sqlite.ErrSQL)
	}
	if _, err := image.Table("t"); err != nil {
		t.Errorf("another table: %v", err)
	}
}
