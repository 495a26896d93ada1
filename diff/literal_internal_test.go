package diff

import (
	"database/sql"
	"math"
	"reflect"
	"strings"
	"testing"

	_ "modernc.org/sqlite"

	"firn/btree"
)

// TestLiteral lets SQLite read each literal back.
func TestLiteral(t *testing.T) {
	t.Parallel()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, tt := range []struct {
		value any
		want  string
	}{
		{nil, "NULL"},
		{int64(0), "0"},
		{int64(math.MaxInt64), "9223372036854775807"},
		{int64(-5), "-5"},
		{0.1, "0.1"},
		{-3.0, "-3.0"},
		{1e300, "1e+300"},
		{math.Inf(1), "9e999"},
		{math.Inf(-1), "-9e999"},
		{"", "''"},
		{"it's é", "'it''s é'"},
		{`back\slash`, `'back\slash'`},
		{"line\nand \\ and 'tab'\t", `'line'||char(10)||'and \ and ''tab'''||char(9)`},
		{"\x1b[31m\u202e\U000e0001", `char(27)||'[31m'||char(8238)||char(917505)`},
		{"\r\n", "char(13)||char(10)"},
		{"\x00", "char(0)"},
		{"a\x00b", "'a'||char(0)||'b'"},
		{strings.Repeat("\n", 501), "CAST(x'" + strings.Repeat("0a", 501) + "' AS TEXT)"},
		{strings.Repeat("a\n", 250), strings.TrimSuffix(strings.Repeat("'a'||char(10)||", 250), "||")},
		{"not \xff UTF-8", "CAST(x'6e6f7420ff205554462d38' AS TEXT)"},
		{[]byte{}, "x''"},
		{[]byte{0, 255}, "x'00ff'"},
	} {
		literal := Literal(tt.value, 0)
		if literal != tt.want {
			t.Errorf("%#v: got %s, want %s", tt.value, literal, tt.want)
		}
		var got any
		if err := db.QueryRow("SELECT " + literal).Scan(&got); err != nil {
			t.Errorf("%s: %v", literal, err)
		}
		if b, ok := tt.value.([]byte); ok && len(b) == 0 {
			continue // the driver reads an empty blob as nil
		}
		if !reflect.DeepEqual(got, tt.value) {
			t.Errorf("%s: SQLite reads %#v, want %#v", literal, got, tt.value)
		}
	}
}

func TestLiteralCut(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		value any
		want  string
	}{
		{"four", "'four'"},
		{"fiveé", "'five...' (5 characters)"},
		{"a\nbcdef", `'a'||char(10)||'bc...' (7 characters)`},
		{"\xff\xfe\xfd\xfc\xfb", "CAST(x'fffefdfc2e2e2e' AS TEXT) (5 characters)"},
		{btree.Malformed("\x00\xd8"), "CAST(x'00d8' AS TEXT)"},
		{btree.Malformed("a\x00\x00\xd8"), "CAST(x'6100...' AS TEXT) (4 bytes)"},
		{[]byte("ab"), "x'6162'"},
		{[]byte("abc"), "x'6162...' (3 bytes)"},
		{int64(123456), "123456"},
	} {
		if got := Literal(tt.value, 4); got != tt.want {
			t.Errorf("%#v: got %s, want %s", tt.value, got, tt.want)
		}
	}
}

func TestIdentifier(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"users": "users", "größe_2": "größe_2", "2nd": `"2nd"`, "": `""`, `a "b"`: `"a ""b"""`, "a\nb": `"a\u000ab"`,
	} {
		if got := Identifier(name); got != want {
			t.Errorf("%q: got %s, want %s", name, got, want)
		}
	}
	if got := Identifier("\x1b]0;title\a"); strings.ContainsAny(got, "\x1b\a") {
		t.Errorf("got %q, which a terminal obeys", got)
	}
}
