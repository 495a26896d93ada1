package check_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"firn/btree/check"
	"firn/internal/dbtest"
)

// keysIn checks a database for a foreign key, and returns "kept", "broken", or "" if it does not know.
func keysIn(t *testing.T, sql string, key check.ForeignKey) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.db")
	db := dbtest.Open(t, path)
	dbtest.Exec(t, db, sql)
	db.Close()
	b := read(t, path)
	r, err := check.Check(t.Context(), bytes.NewReader(b), int64(len(b)), check.Options{ForeignKeys: []check.ForeignKey{key}})
	if err != nil || len(r.Findings) > 0 || len(r.Kept)+len(r.Broken) > 1 {
		t.Fatalf("%s: %v, %v", sql, r, err)
	}
	switch {
	case slices.Contains(r.Kept, key):
		return "kept"
	case slices.Contains(r.Broken, key):
		return "broken"
	}
	return ""
}

// TestForeignKeys has keys that are kept, that are not, and of which the check must not say anything.
func TestForeignKeys(t *testing.T) {
	t.Parallel()
	const parents = "CREATE TABLE p (id INTEGER PRIMARY KEY, u UNIQUE); INSERT INTO p VALUES (1, 'a'), (2, 'b'), (5, 'c'), (-9, 'd'), (9223372036854775807, 'e');"
	key := check.ForeignKey{Child: "c", Column: "a", Parent: "p"}
	named := check.ForeignKey{Child: "C", Column: "A", Parent: "P", Key: "ID"}
	for name, tt := range map[string]struct {
		sql  string
		key  check.ForeignKey
		want string
	}{
		"Kept":          {"CREATE TABLE c (x, a); INSERT INTO c VALUES ('x', 1), ('x', 1), ('y', 5), (NULL, -9), (0, 9223372036854775807), ('z', NULL)", key, "kept"},
		"Named":         {"CREATE TABLE c (a); INSERT INTO c VALUES (1)", named, "kept"},
		"Empty":         {"CREATE TABLE c (a)", key, "kept"},
		"OnlyNull":      {"CREATE TABLE c (a); INSERT INTO c VALUES (NULL)", key, "kept"},
		"ZeroAndOne":    {"CREATE TABLE c (a); INSERT INTO c VALUES (1), (0)", key, "broken"},
		"Between":       {"CREATE TABLE c (a); INSERT INTO c VALUES (1), (2), (3), (5)", key, "broken"},
		"Beyond":        {"CREATE TABLE c (a); INSERT INTO c VALUES (-10)", key, "broken"},
		"Text":          {"CREATE TABLE c (a TEXT); INSERT INTO c VALUES ('1')", key, ""},
		"Blob":          {"CREATE TABLE c (a); INSERT INTO c VALUES (x'01')", key, ""},
		"RealAffinity":  {"CREATE TABLE c (a REAL); INSERT INTO c VALUES (5)", key, "kept"}, // stored as an integer
		"Real":          {"CREATE TABLE c (a REAL); INSERT INTO c VALUES (5.5)", key, ""},
		"LargeReal":     {"CREATE TABLE c (a); INSERT INTO c VALUES (-9223372036854775808.0)", key, ""},
		"RowID":         {"CREATE TABLE c (x, a INTEGER PRIMARY KEY); INSERT INTO c VALUES ('x', 1), ('y', 2)", key, "kept"},
		"RowIDOrphan":   {"CREATE TABLE c (x, a INTEGER PRIMARY KEY); INSERT INTO c VALUES ('x', 1), ('y', 3)", key, "broken"},
		"Older":         {"CREATE TABLE c (x); INSERT INTO c VALUES (1); ALTER TABLE c ADD COLUMN a", key, "kept"},
		"OlderDefault":  {"CREATE TABLE c (x); INSERT INTO c VALUES (1); ALTER TABLE c ADD COLUMN a DEFAULT 5", key, "kept"},
		"OlderOrphan":   {"CREATE TABLE c (x); INSERT INTO c VALUES (1); ALTER TABLE c ADD COLUMN a DEFAULT 6", key, "broken"},
		"OlderSQL":      {"CREATE TABLE c (x); ALTER TABLE c ADD COLUMN a DEFAULT (1 + 0)", key, "kept"}, // without a row it counts for nothing
		"OlderTextual":  {"CREATE TABLE c (x); INSERT INTO c VALUES (1); ALTER TABLE c ADD COLUMN a DEFAULT '1'", key, ""},
		"WithoutRowID":  {"CREATE TABLE c (k TEXT, a, PRIMARY KEY (k, a)) WITHOUT ROWID; INSERT INTO c VALUES ('x', 1), ('y', 2)", key, "kept"},
		"WithoutOrphan": {"CREATE TABLE c (a, k TEXT PRIMARY KEY) WITHOUT ROWID; INSERT INTO c VALUES (1, 'x'), (3, 'y')", key, "broken"},
		"Overflow":      {"CREATE TABLE c (x, a); INSERT INTO c VALUES (zeroblob(100000), 1), (zeroblob(100000), 5)", key, "kept"},
		"LateOrphan":    {"CREATE TABLE c (x, a); INSERT INTO c VALUES (zeroblob(100000), 1), (zeroblob(100000), 6)", key, "broken"},
		"Stored":        {"CREATE TABLE c (x, a AS (x + 1) STORED); INSERT INTO c VALUES (0), (1)", key, "kept"},
		"Virtual":       {"CREATE TABLE c (x, a AS (x + 1)); INSERT INTO c VALUES (0)", key, ""},
		"Self":          {"CREATE TABLE c (a REFERENCES c (i), i INTEGER PRIMARY KEY); INSERT INTO c VALUES (NULL, 1), (1, 2), (2, 3)", check.ForeignKey{Child: "c", Column: "a", Parent: "c", Key: "i"}, "kept"},
		"SelfOrphan":    {"CREATE TABLE c (a REFERENCES c (i), i INTEGER PRIMARY KEY); INSERT INTO c VALUES (NULL, 1), (3, 2)", check.ForeignKey{Child: "c", Column: "a", Parent: "c", Key: "i"}, "broken"},
		"OtherKey":      {"CREATE TABLE c (a); INSERT INTO c VALUES ('a')", check.ForeignKey{Child: "c", Column: "a", Parent: "p", Key: "u"}, ""},
		"NoRowIDKey":    {"CREATE TABLE q (id INT PRIMARY KEY); INSERT INTO q VALUES (1); CREATE TABLE c (a); INSERT INTO c VALUES (1)", check.ForeignKey{Child: "c", Column: "a", Parent: "q"}, ""},
		"Descending":    {"CREATE TABLE q (id INTEGER PRIMARY KEY DESC); INSERT INTO q VALUES (1); CREATE TABLE c (a); INSERT INTO c VALUES (1)", check.ForeignKey{Child: "c", Column: "a", Parent: "q"}, ""},
		"NoRowID":       {"CREATE TABLE q (id INTEGER PRIMARY KEY) WITHOUT ROWID; INSERT INTO q VALUES (1); CREATE TABLE c (a); INSERT INTO c VALUES (1)", check.ForeignKey{Child: "c", Column: "a", Parent: "q"}, ""},
		"NoParent":      {"CREATE TABLE c (a); INSERT INTO c VALUES (1)", check.ForeignKey{Child: "c", Column: "a", Parent: "nowhere"}, ""},
		"View":          {"CREATE VIEW v AS SELECT 1 AS id; CREATE TABLE c (a); INSERT INTO c VALUES (1)", check.ForeignKey{Child: "c", Column: "a", Parent: "v"}, ""},
		"NoColumn":      {"CREATE TABLE c (a)", check.ForeignKey{Child: "c", Column: "b", Parent: "p"}, ""},
		"NoChild":       {"", key, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := keysIn(t, parents+tt.sql, tt.key); got != tt.want {
				t.Errorf("%s: got %q, want %q", tt.sql, got, tt.want)
			}
		})
	}
}

// TestManyForeignKeys compares what the check says of random tables with what SQLite says of them.
func TestManyForeignKeys(t *testing.T) {
	t.Parallel()
	said := map[bool]int{}
	for seed := range uint64(60) {
		dice := rand.New(rand.NewPCG(seed, 7))
		path := filepath.Join(t.TempDir(), fmt.Sprint(seed, ".db"))
		db := dbtest.Open(t, path)
		keys := randomKeys(t, dice, func(sql string) { dbtest.Exec(t, db, sql) })
		orphans := map[string]bool{}
		rows, err := db.Query("SELECT DISTINCT \"table\" FROM pragma_foreign_key_check")
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var table string
			if err := rows.Scan(&table); err != nil {
				t.Fatal(err)
			}
			orphans[table] = true
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		db.Close()
		b := read(t, path)
		r, err := check.Check(t.Context(), bytes.NewReader(b), int64(len(b)), check.Options{ForeignKeys: keys})
		if err != nil || len(r.Findings) > 0 {
			t.Fatal(r, err)
		}
		for _, k := range keys {
			kept := slices.Contains(r.Kept, k)
			said[kept]++
			if kept == orphans[k.Child] || kept == slices.Contains(r.Broken, k) {
				t.Errorf("seed %d: %+v: kept %v, broken %v, and SQLite finds orphans: %v", seed, k, kept, !kept, orphans[k.Child])
			}
		}
	}
	if said[true] < 20 || said[false] < 20 {
		t.Errorf("said of keys that they are kept: %v, want some of both", said)
	}
}

// randomKeys makes tables whose children have one foreign key each, and integers as its values.
func randomKeys(t *testing.T, dice *rand.Rand, exec func(string)) (keys []check.ForeignKey) {
	t.Helper()
	exec(fmt.Sprintf("PRAGMA page_size = %d", 512<<dice.IntN(4)))
	sparse := dice.IntN(2) == 0
	number := func() int64 {
		if sparse {
			return int64(dice.Uint64())
		}
		return dice.Int64N(5000)
	}
	var parents []string
	known := []int64{math.MinInt64, math.MaxInt64}
	for range 200 + dice.IntN(3000) {
		known = append(known, number())
	}
	for _, n := range known {
		parents = append(parents, fmt.Sprintf("(%d)", n))
	}
	exec("CREATE TABLE p (id INTEGER PRIMARY KEY); INSERT OR IGNORE INTO p VALUES " + strings.Join(parents, ","))
	for c := range 1 + dice.IntN(4) {
		name := fmt.Sprint("c", c)
		var children []string
		for range dice.IntN(4000) {
			children = append(children, fmt.Sprintf("(%d, zeroblob(%d))", known[dice.IntN(len(known))], dice.IntN(300)))
		}
		if dice.IntN(2) == 0 {
			children = append(children, fmt.Sprintf("(%d, NULL)", number()))
		}
		exec(fmt.Sprintf("CREATE TABLE %s (a REFERENCES p, b)", name))
		if len(children) > 0 {
			exec(fmt.Sprintf("INSERT INTO %s VALUES %s", name, strings.Join(children, ",")))
		}
		keys = append(keys, check.ForeignKey{Child: name, Column: "a", Parent: "p"})
	}
	return keys
}
