package check

import (
	"fmt"
	"strings"
	"testing"
)

// TestParseTable reads definitions as SQLite keeps them. A definition that is not understood is left to SQLite.
func TestParseTable(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"CREATE TABLE t(a INTEGER PRIMARY KEY,b TEXT NOT NULL)":                                                                        "a:3 rowid, b:1 not null",
		"CREATE TABLE t (a INTEGER PRIMARY KEY DESC)":                                                                                  "a:3; key a desc",
		"CREATE TABLE t (a INT, b, PRIMARY KEY (b COLLATE nocase, a DESC))":                                                            "a:3, b:0; key b nocase, a desc",
		"CREATE TABLE \"t\" ([a] UNSIGNED BIG INT, 'b' \"text\", `c` floating)":                                                        "a:3, b:1, c:4",
		"CREATE TABLE t (a DECIMAL(10, 2) DEFAULT (1 + (2)), b AS (a) NOT NULL)":                                                       "a:2, b:0 not null virtual",
		"CREATE TABLE t (a, b INT GENERATED ALWAYS AS (a || ')') STORED UNIQUE)":                                                       "a:0, b:3; key b",
		"CREATE TABLE t (a REFERENCES p (x) ON DELETE SET NULL ON UPDATE NO ACTION NOT DEFERRABLE INITIALLY DEFERRED UNIQUE -- end\n)": "a:0; key a",
		"CREATE TABLE t (a UNIQUE COLLATE RTRIM, UNIQUE (a), CHECK (a <> '(') , CONSTRAINT f FOREIGN KEY (a) REFERENCES p)":            "a:0; key a RTRIM",
		"CREATE TABLE t (a TEXT, b ANY, PRIMARY KEY (a, b)) WITHOUT ROWID, STRICT":                                                     "a:1 not null, b:0 not null; key a, b",
		"CREATE TABLE t (a INTEGER UNIQUE COLLATE RTRIM, PRIMARY KEY (a)) WITHOUT ROWID":                                               "a:3 not null; key a RTRIM",
		"CREATE TABLE t (a INTEGER PRIMARY KEY ASC ON CONFLICT REPLACE AUTOINCREMENT)":                                                 "a:3 rowid",
		"CREATE TABLE t (a charint, b BLOBTEXT, c xBLOB, d CHARACTER VARYING(9))":                                                      "a:3, b:1, c:0, d:1",
		"CREATE TABLE t (a /* c */ TEXT)":                                                                                              "a:1",
		"CREATE TABLE t (a LONG /* c */ TEXT)":                                                                                         "left",
		"CREATE TABLE t (a, a)":                                                                                                        "left",
		"CREATE TABLE t (a) WITHOUT":                                                                                                   "left",
		"CREATE TABLE t (a COLLATE)":                                                                                                   "left",
		"CREATE TABLE t (a INT) STRICT, STRICTER":                                                                                      "left",
		"CREATE TABLE t (a DATE) STRICT":                                                                                               "left",
		"CREATE TABLE t (a DEFAULT 'x)":                                                                                                "left",
		"CREATE TABLE other (a)":                                                                                                       "left",
		"CREATE TABLE t (PRIMARY KEY (a))":                                                                                             "left",
		"CREATE TABLE t (a, PRIMARY KEY (b))":                                                                                          "left",
		"CREATE TABLE t (a INT FROBNICATE UNIQUE (":                                                                                    "left",
	} {
		table, ok := parseTable("t", 2, sql)
		if got := describe(table, ok); got != want {
			t.Errorf("%s: got %q, want %q", sql, got, want)
		}
	}
}

func describe(t *table, ok bool) string {
	if !ok {
		return "left"
	}
	var columns, keys []string
	for i, c := range t.columns {
		text := fmt.Sprintf("%s:%d", c.name, c.affinity)
		for _, word := range []struct {
			is   bool
			text string
		}{{i == t.alias, " rowid"}, {c.notNull, " not null"}, {c.virtual, " virtual"}} {
			if word.is {
				text += word.text
			}
		}
		columns = append(columns, text)
	}
	for _, x := range t.automatic {
		var parts []string
		for _, c := range x.columns {
			part := t.columns[c.column].name
			if c.collation != "BINARY" {
				part += " " + c.collation
			}
			if c.desc {
				part += " desc"
			}
			parts = append(parts, part)
		}
		keys = append(keys, "; key "+strings.Join(parts, ", "))
	}
	return strings.Join(columns, ", ") + strings.Join(keys, "")
}
