package sqlite_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"firn/sqlite"
)

// unparsed makes a database with definitions that this SQLite does not parse, and old versions did: they took 0x1FOR for
// 0x1F OR.
func unparsed(t testing.TB, encoding string) string {
	t.Helper()
	return hostile(t, `PRAGMA encoding = '`+encoding+`'; CREATE TABLE t (a, b); CREATE INDEX i ON t (b); INSERT INTO t VALUES (31, 0), (4, 5); CREATE VIEW v AS SELECT * FROM t WHERE a = 31 OR b = 2;
		CREATE VIEW w AS SELECT a FROM t; CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 31 OR 1; END`,
		"UPDATE sqlite_schema SET sql = replace(sql, '31 OR', '0x1FOR') WHERE name IN ('v', 'g')")
}

// A definition that only older versions of SQLite parse is no damage, and hinders nothing.
func TestUnparsedDefinition(t *testing.T) {
	t.Parallel()
	for _, encoding := range []string{"UTF-8", "UTF-16le"} {
		t.Run(encoding, func(t *testing.T) {
			t.Parallel()
			path := unparsed(t, encoding)
			want := readFile(t, path)
			image := readImage(t, path, sqlite.Options{})
			checkSame(t, "image", image, want)

			err := sqlite.Check(t.Context(), path)
			partial, ok := errors.AsType[*sqlite.UncheckedError](err)
			if !ok || errors.Is(err, sqlite.ErrCorrupt) || !strings.Contains(partial.Error(), `v: unrecognized token: "0x1FOR"`) {
				t.Errorf("check: got %v, want that the view could not be checked", err)
			}

			text := script(t, path)
			if !strings.Contains(text, "0x1FOR") || !strings.Contains(text, "COMMIT;") {
				t.Errorf("the script is not whole:\n%s", text)
			}

			v, err := sqlite.OpenView(t.Context(), bytes.NewReader(want), int64(len(want)))
			if err != nil {
				t.Fatal(err)
			}
			defer v.Close()
			rows := 0
			count := func([]any) error { rows++; return nil }
			if err := v.Query("SELECT * FROM w", func([]string) error { return nil }, count); err != nil || rows != 2 {
				t.Errorf("query: got %d rows, %v", rows, err)
			}
		})
	}
}

// A table whose own definition is not parsed cannot be dumped, and is not called damaged.
func TestUnparsedTable(t *testing.T) {
	t.Parallel()
	path := hostile(t, "CREATE TABLE t (a, CHECK (a = 31 OR a = 5)); INSERT INTO t VALUES (5)", "UPDATE sqlite_schema SET sql = replace(sql, '31 OR', '0x1FOR')")
	var b bytes.Buffer
	err := sqlite.DumpSQL(t.Context(), path, &b)
	if !errors.Is(err, sqlite.ErrUnparsed) || errors.Is(err, sqlite.ErrCorrupt) || strings.Contains(b.String(), "COMMIT") {
		t.Errorf("got %v, want %v", err, sqlite.ErrUnparsed)
	}
}

// A schema that does not fit its database is damage still, and so is a text that no version of SQLite parses.
func TestUnparsedDamage(t *testing.T) {
	t.Parallel()
	for _, update := range []string{"rootpage = 99", "sql = replace(sql, 'TABLE', 'TAXLE')", "sql = replace(sql, '(a)', '(a \x01)')"} {
		path := hostile(t, "CREATE TABLE t (a)", "UPDATE sqlite_schema SET "+update)
		if err := sqlite.Check(t.Context(), path); !errors.Is(err, sqlite.ErrCorrupt) {
			t.Errorf("%s: got %v, want %v", update, err, sqlite.ErrCorrupt)
		}
	}
}
