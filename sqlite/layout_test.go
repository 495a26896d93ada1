package sqlite_test

import (
	"errors"
	"fmt"
	"reflect"
	"testing"

	"firn/sqlite"
)

func TestTableLayout(t *testing.T) {
	t.Parallel()
	named := func(names ...string) (columns []sqlite.Column) {
		for _, name := range names {
			columns = append(columns, sqlite.Column{Name: name})
		}
		return columns
	}
	for _, tt := range []struct {
		name, definition string
		want             sqlite.Layout
	}{
		{"plain", "CREATE TABLE plain (a, b)", sqlite.Layout{named("a", "b"), 0, -1}},
		{"alias", "CREATE TABLE alias (a, id INTEGER PRIMARY KEY)", sqlite.Layout{named("a", "id"), 0, 1}},
		{"later", "CREATE TABLE later (a, b integer, PRIMARY KEY (b))", sqlite.Layout{named("a", "b"), 0, 1}},
		{"two", "CREATE TABLE two (a, b INTEGER, PRIMARY KEY (b, a))", sqlite.Layout{named("a", "b"), 0, -1}},
		{"quirk", "CREATE TABLE quirk (a, b INTEGER PRIMARY KEY DESC)", sqlite.Layout{named("a", "b"), 0, -1}},
		{"bigint", "CREATE TABLE bigint (a BIGINT PRIMARY KEY)", sqlite.Layout{named("a"), 0, -1}},
		{"computed", "CREATE TABLE computed (a, b AS (a + 1), c AS (a + 2) STORED, d)", sqlite.Layout{named("a", "c", "d"), 0, -1}},
		{"foreign", "CREATE TABLE foreign_ (a CHECK (mine(a)) COLLATE mine, b REFERENCES other)", sqlite.Layout{}},
		{"mine", "CREATE TABLE mine (a COLLATE own CHECK (own(a)), b REFERENCES other)", sqlite.Layout{named("a", "b"), 0, -1}},
		{`o'"d d`, `CREATE TABLE "o'""d d" ("a ""b")`, sqlite.Layout{named(`a "b`), 0, -1}},
		{"sqlite_stat1", "CREATE TABLE sqlite_stat1(tbl,idx,stat)", sqlite.Layout{named("tbl", "idx", "stat"), 0, -1}},
		{"keyed", "CREATE TABLE keyed (v, a TEXT COLLATE nocase, b, PRIMARY KEY (b DESC, a, b)) WITHOUT ROWID", sqlite.Layout{
			[]sqlite.Column{{Name: "b", Order: "BINARY DESC"}, {Name: "a", Order: "nocase"}, {Name: "v"}}, 2, -1,
		}},
		{"types", "CREATE TABLE types (a DOUBLE PRECISION DEFAULT 1, b FLOAT, c CHARINT DEFAULT '7', d DEFAULT x'00ff', e TEXT DEFAULT 5, f DEFAULT -2.5, g DEFAULT (1+2), h DEFAULT (randomblob(1000000000)), i DEFAULT \"w\")", sqlite.Layout{
			[]sqlite.Column{
				{Name: "a", Default: 1.0, Real: true}, {Name: "b", Real: true}, {Name: "c", Default: int64(7)},
				{Name: "d", Default: []byte{0, 255}}, {Name: "e", Default: "5"}, {Name: "f", Default: -2.5},
				{Name: "g"}, {Name: "h"}, {Name: "i", Default: "w"},
			}, 0, -1,
		}},
		{"defaults", "CREATE TABLE defaults (a TEXT DEFAULT 1e3, b DEFAULT (5 -- x\n), c DEFAULT current_timestamp, d DEFAULT (random()), e DEFAULT w, f DEFAULT TRUE, g VARCHAR(9) NOT NULL DEFAULT ('x'), h REAL DEFAULT '1', i INT DEFAULT +5, j DEFAULT (1 || 2))", sqlite.Layout{
			[]sqlite.Column{
				{Name: "a", Default: "1e3"}, {Name: "b", Default: int64(5)}, {Name: "c"}, {Name: "d"}, {Name: "e", Default: "w"},
				{Name: "f", Default: int64(1)}, {Name: "g", Default: "x"}, {Name: "h", Default: 1.0, Real: true},
				{Name: "i", Default: int64(5)}, {Name: "j"},
			}, 0, -1,
		}},
		{"strict", "CREATE TABLE strict (a ANY DEFAULT '001', b TEXT DEFAULT 7, c INT DEFAULT '8') STRICT", sqlite.Layout{
			[]sqlite.Column{{Name: "a", Default: "001"}, {Name: "b", Default: "7"}, {Name: "c", Default: int64(8)}}, 0, -1,
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := sqlite.TableLayout(t.Context(), tt.name, tt.definition)
			if tt.want.Columns == nil {
				if !errors.Is(err, sqlite.ErrCorrupt) {
					t.Errorf("got %+v and %v, want %v", got, err, sqlite.ErrCorrupt)
				}
			} else if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v and %v, want %+v", got, err, tt.want)
			}
		})
	}
}

// TestTableLayoutRunsNothing reads texts that are no definition of a table.
func TestTableLayoutRunsNothing(t *testing.T) {
	t.Parallel()
	for i, definition := range []string{
		"", "nonsense", "SELECT 1", "CREATE TABLE t (a); DROP TABLE t", "CREATE TABLE t AS SELECT 1", "CREATE VIEW t AS SELECT 1",
		"CREATE TABLE t (a) nonsense", "CREATE VIRTUAL TABLE t USING fts5(a)", "CREATE TRIGGER t AFTER INSERT ON t BEGIN SELECT 1; END",
		"CREATE INDEX t ON t (a)", "ATTACH 'other.db' AS t", "CREATE TABLE t (a DEFAULT ((SELECT 1)))",
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			if got, err := sqlite.TableLayout(t.Context(), "t", definition); err == nil {
				t.Errorf("%s: got %+v, want an error", definition, got)
			}
		})
	}
}
