package btree

import (
	"database/sql"
	"math"
	"testing"

	_ "modernc.org/sqlite"
)

// TestCollations compares keys of each collation with what SQLite says of them.
func TestCollations(t *testing.T) {
	t.Parallel()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	values := []any{
		"a", "A", "a ", "a  ", " a", "a\t", "ä", "Ä", "a\x00b", "a\x00C", "a\x00", "", " ", "[{@`", "{[`@", "1", "z", "Z",
		int64(1), 1.0, math.Copysign(0, -1), int64(0), int64(1<<53 + 1), float64(1 << 53), int64(math.MaxInt64), float64(1 << 63),
		int64(math.MinInt64), -float64(1 << 63), 1.5, math.Inf(1), math.Inf(-1), []byte("a"), []byte("A"), []byte(" "),
	}
	for name, collation := range map[string]Collation{"BINARY": Binary, "NOCASE": NoCase, "RTRIM": RTrim} {
		for _, a := range values {
			for _, b := range values {
				var want bool
				if err := db.QueryRow("SELECT ? = ? COLLATE "+name, a, b).Scan(&want); err != nil {
					t.Fatal(err)
				}
				got := string(collation.appendKey(nil, a)) == string(collation.appendKey(nil, b))
				if got != want {
					t.Errorf("%s: %#v = %#v: got %t, want %t", name, a, b, got, want)
				}
			}
		}
	}
}

// TestMalformedText decodes texts in UTF-16 that no UTF-8 stands for.
func TestMalformedText(t *testing.T) {
	t.Parallel()
	for stored, want := range map[string]any{
		"a\x00":            "a",
		"\x3d\xd8\x00\xde": "😀",
		"\xfd\xff":         "\ufffd",
		"\x00\xd8":         Malformed("\x00\xd8"),
		"\x00\xdc\x00\xd8": Malformed("\x00\xdc\x00\xd8"),
		"a\x00\x3d\xd8":    Malformed("a\x00\x3d\xd8"),
		"a\x00b":           Malformed("a\x00b"),
	} {
		if got := text([]byte(stored), UTF16LE); got != want {
			t.Errorf("%x: got %#v, want %#v", stored, got, want)
		}
	}
}
