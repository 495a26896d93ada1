package proof_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"firn/internal/dbtest"
	"firn/proof"
)

// TestForeignKeysOfLarge checks databases of which SQLite looks no parents up, as large ones in a run: keys that refer to rowids are
// checked all the same, and the outcome says what it covers.
func TestForeignKeysOfLarge(t *testing.T) {
	t.Parallel()
	const parents = "CREATE TABLE p (id INTEGER PRIMARY KEY, u UNIQUE); INSERT INTO p VALUES (1, 'a'), (2, 'b');"
	for name, tt := range map[string]struct {
		sql      string
		problems int
		covered  bool
	}{
		"None":       {"CREATE TABLE c (a)", 0, true},
		"Kept":       {"CREATE TABLE c (a REFERENCES p); INSERT INTO c VALUES (1), (NULL), (2)", 0, true},
		"Broken":     {"CREATE TABLE c (a REFERENCES p); INSERT INTO c VALUES (1), (3)", 1, true},
		"Other":      {"CREATE TABLE c (a REFERENCES p (u)); INSERT INTO c VALUES ('a')", 0, false},
		"KeptAndNot": {"CREATE TABLE c (a REFERENCES p, b REFERENCES p (u)); INSERT INTO c VALUES (1, 'a')", 0, false},
		"BrokenBoth": {"CREATE TABLE c (a REFERENCES p); INSERT INTO c VALUES (3); CREATE TABLE d (b REFERENCES p (u)); INSERT INTO d VALUES ('x')", 2, true},
		"Text":       {"CREATE TABLE c (a TEXT REFERENCES p); INSERT INTO c VALUES ('1')", 0, false},
		"NoParent":   {"CREATE TABLE c (a REFERENCES nowhere); INSERT INTO c VALUES (1)", 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "a.db")
			db := dbtest.Open(t, path)
			dbtest.Exec(t, db, parents+tt.sql)
			b := readImage(t, path)
			got, covered, err := proof.WholeOfLarge(t.Context(), imageOf(b))
			if err != nil || len(got.Problems) != tt.problems || covered.NoForeignKeys == tt.covered {
				t.Errorf("got %+v, %+v, %v; want %d problems, foreign keys covered: %v", got, covered, err, tt.problems, tt.covered)
			}
			whole, err := proof.Rules{}.Whole(t.Context(), imageOf(b))
			if err != nil || tt.covered && fmt.Sprint(whole) != fmt.Sprint(got) {
				t.Errorf("all of it: got %+v, %v, want %+v", whole, err, got)
			}
		})
	}
}
