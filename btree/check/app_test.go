package check_test

import (
	"database/sql"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"firn/internal/dbtest"
)

// app is an application with a random schema, and a random history.
type app struct {
	t      *testing.T
	path   string
	db     *sql.DB
	r      *rand.Rand
	tables []*appTable
	log    []string
	made   int
	plain  bool // nothing that takes SQL
	steady bool // the schema stays as it is
}

type appTable struct {
	name    string
	columns []string // that can be written
	virtual string   // module
}

func newApp(t *testing.T, dir string, seed uint64) *app {
	a := &app{t: t, path: filepath.Join(dir, fmt.Sprintf("app-%d.db", seed)), r: rand.New(rand.NewPCG(seed, 11)), plain: seed%5 > 1}
	size := 512 << a.r.IntN(8)
	if a.r.IntN(2) == 0 {
		size = 512 << a.r.IntN(3)
	}
	a.open()
	a.must(fmt.Sprintf("PRAGMA page_size = %d; PRAGMA auto_vacuum = %d; PRAGMA encoding = '%s'", size, max(0, a.r.IntN(5)-2),
		[]string{"UTF-8", "UTF-8", "UTF-8", "UTF-16le", "UTF-16be"}[a.r.IntN(5)]))
	if a.r.IntN(5) == 0 {
		a.reserve(1 + a.r.IntN(32))
	}
	for range 2 + a.r.IntN(3) {
		a.table()
	}
	if a.r.IntN(4) == 0 && !a.plain {
		a.words()
	}
	if a.r.IntN(4) == 0 && !a.plain {
		a.boxes()
	}
	for range 3 + a.r.IntN(5) {
		a.index()
	}
	for range 30 + a.r.IntN(60) {
		a.insert()
	}
	if a.r.IntN(4) == 0 {
		a.many()
	}
	return a
}

// many inserts so many rows that trees grow several levels high.
func (a *app) many() {
	t := pick(a.r, a.tables...)
	if t.virtual != "" {
		return
	}
	var values []string
	for range t.columns {
		values = append(values, pick(a.r, "i", "i / 4.0", "'row ' || (i * 7919 % 1000)", "i * 7919 % 1000", "hex(i * 7919 % 100000)", "NULL"))
	}
	a.try(fmt.Sprintf("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1500) INSERT OR IGNORE INTO %s (%s) SELECT %s FROM n",
		t.name, strings.Join(t.columns, ", "), strings.Join(values, ", ")))
}

func (a *app) open() {
	a.db = dbtest.Open(a.t, a.path)
	a.must("PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY; PRAGMA cache_size = 30")
}

func (a *app) must(query string, args ...any) {
	a.t.Helper()
	a.log = append(a.log, query)
	if _, err := a.db.Exec(query, args...); err != nil {
		a.t.Fatalf("%s: %v", query, err)
	}
}

// try runs a statement that may break a constraint.
func (a *app) try(query string, args ...any) bool {
	a.log = append(a.log, query)
	_, err := a.db.Exec(query, args...)
	return err == nil
}

// reserve sets bytes aside at the end of each page, in a database that has no table yet.
func (a *app) reserve(n int) {
	a.must("CREATE TABLE gone (a); DROP TABLE gone; VACUUM")
	a.db.Close()
	b, err := os.ReadFile(a.path)
	if err != nil {
		a.t.Fatal(err)
	}
	size := pageSize(b)
	b = b[:size]
	b[20] = byte(n)
	b[105], b[106] = byte((size-n)>>8), byte(size-n)
	b[28], b[29], b[30], b[31] = 0, 0, 0, 1
	for i := 32; i < 40; i++ {
		b[i] = 0
	}
	if err := os.WriteFile(a.path, b, 0o600); err != nil {
		a.t.Fatal(err)
	}
	a.open()
}

func pageSize(b []byte) int {
	if n := int(b[16])<<8 | int(b[17]); n != 1 {
		return n
	}
	return 65536
}

// image returns the bytes of the database.
func (a *app) image() []byte {
	b, err := os.ReadFile(a.path)
	if err != nil {
		a.t.Fatal(err)
	}
	return b
}

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

// table creates a random table.
func (a *app) table() {
	a.made++
	t := &appTable{name: fmt.Sprintf("t%d", a.made)}
	strict := a.r.IntN(4) == 0
	var parts []string
	count := 2 + a.r.IntN(5)
	for i := range count {
		name := fmt.Sprintf("c%d", i)
		t.columns = append(t.columns, name)
		parts = append(parts, name+" "+a.columnType(strict)+a.columnConstraint())
	}
	options := ""
	switch a.r.IntN(6) {
	case 0:
		parts[0] = "c0 INTEGER PRIMARY KEY" + pick(a.r, "", "", " AUTOINCREMENT")
	case 1:
		parts[0] = "c0 " + pick(a.r, "TEXT", "INT", "BLOB") + " PRIMARY KEY" + pick(a.r, "", " DESC", " UNIQUE")
	case 2, 3:
		options = " WITHOUT ROWID"
		parts = append(parts, fmt.Sprintf("PRIMARY KEY (c0%s, c1%s%s)", pick(a.r, "", " DESC"), pick(a.r, "", " COLLATE NOCASE"), pick(a.r, "", " DESC", ", c0")))
	case 4:
		parts = append(parts, "UNIQUE (c1, c0"+pick(a.r, "", " COLLATE RTRIM")+")")
	}
	if a.r.IntN(4) == 0 && !a.plain {
		parts = append(parts[:count:count], append([]string{"g INT GENERATED ALWAYS AS (length(c1))" + pick(a.r, "", " STORED", " VIRTUAL", " STORED UNIQUE", " UNIQUE")}, parts[count:]...)...)
	}
	if a.r.IntN(6) == 0 && !a.plain {
		parts = append(parts, "CHECK (c1 IS NOT 'never')")
	}
	if strict {
		options = strings.TrimPrefix(options+", STRICT", ",")
	}
	if a.try(fmt.Sprintf("CREATE TABLE %s (%s)%s", t.name, strings.Join(parts, pick(a.r, ", ", ",\n -- a comment\n ")), strings.Replace(options, " STRICT", " STRICT", 1))) {
		a.tables = append(a.tables, t)
	}
}

func (a *app) columnType(strict bool) string {
	if strict {
		return pick(a.r, "INT", "INTEGER", "REAL", "TEXT", "BLOB", "ANY")
	}
	return pick(a.r, "", "", "INT", "INTEGER", "TEXT", "VARCHAR(20)", "REAL", "NUMERIC", "BLOB", "DECIMAL(10, 2)", "\"date\"", "DOUBLE PRECISION", "[char]")
}

func (a *app) columnConstraint() string {
	if a.plain {
		return pick(a.r, "", "", "", " NOT NULL", " COLLATE NOCASE", " COLLATE RTRIM DEFAULT 5", " UNIQUE")
	}
	return pick(a.r, "", "", "", "", " NOT NULL DEFAULT 'x'", " NOT NULL DEFAULT 7", " COLLATE NOCASE", " COLLATE RTRIM", " UNIQUE",
		" DEFAULT (1 + 1)", " CONSTRAINT n CHECK (1)", " UNIQUE COLLATE NOCASE")
}

func (a *app) words() {
	if a.try("CREATE VIRTUAL TABLE words USING fts5(c0, c1)") {
		a.tables = append(a.tables, &appTable{"words", []string{"c0", "c1"}, "fts5"})
	}
}

func (a *app) boxes() {
	if a.try("CREATE VIRTUAL TABLE boxes USING rtree(id, c0, c1, c2, c3)") {
		a.tables = append(a.tables, &appTable{"boxes", nil, "rtree"})
	}
}

// index creates a random index.
func (a *app) index() {
	t := pick(a.r, a.tables...)
	if t.virtual != "" {
		return
	}
	a.made++
	var columns []string
	for range 1 + a.r.IntN(3) {
		c := pick(a.r, t.columns...)
		if a.r.IntN(12) == 0 && !a.plain {
			c = "lower(" + c + ")"
		}
		columns = append(columns, c+pick(a.r, "", "", " COLLATE NOCASE", " COLLATE RTRIM")+pick(a.r, "", " DESC"))
	}
	where := ""
	if a.r.IntN(8) == 0 && !a.plain {
		where = " WHERE " + pick(a.r, t.columns...) + " > 3"
	}
	a.try(fmt.Sprintf("CREATE %sINDEX i%d ON %s (%s)%s", pick(a.r, "", "", "", "UNIQUE "), a.made, t.name, strings.Join(columns, ", "), where))
}

// value returns a random value.
func (a *app) value() any {
	switch a.r.IntN(12) {
	case 0:
		return nil
	case 1, 2:
		return a.r.IntN(10)
	case 3:
		return int64(a.r.Uint64()) >> a.r.IntN(64)
	case 4:
		return pick(a.r, 0.5, 1.0, -3.25, 1e300, 9007199254740993.0, 1e19, a.r.Float64())
	case 5:
		return pick(a.r, "a", "A", "a ", "A  ", "b", "B", "", "ab", "Ab", "é", "😀", "a\x00b", "A\x00c")
	case 6:
		return fmt.Sprint(a.r.IntN(40)) + pick(a.r, "", " ", ".5", "e2", "x")
	case 7:
		return []byte(a.text(pick(a.r, 3, 30, 300)))
	}
	return a.text(pick(a.r, 5, 20, 20, 100, 700, 5000, 20000))
}

func (a *app) text(n int) string {
	b := make([]byte, a.r.IntN(n+1)/2)
	for i := range b {
		b[i] = byte(a.r.Uint32())
	}
	return hex.EncodeToString(b)
}

func (a *app) insert() { a.insertInto(pick(a.r, a.tables...)) }

func (a *app) insertInto(t *appTable) {
	switch t.virtual {
	case "rtree":
		x, y := a.r.IntN(100), a.r.IntN(100)
		a.try("INSERT OR IGNORE INTO boxes VALUES (NULL, ?, ?, ?, ?)", x, x+5, y, y+5)
		return
	case "fts5":
		a.try("INSERT INTO words VALUES (?, ?)", a.text(50)+" "+a.text(5), "b c "+a.text(10))
		return
	}
	var marks []string
	var values []any
	for range t.columns {
		marks = append(marks, "?")
		values = append(values, a.value())
	}
	a.try(fmt.Sprintf("INSERT OR %s INTO %s (%s) VALUES (%s)", pick(a.r, "IGNORE", "REPLACE"), t.name,
		strings.Join(t.columns, ", "), strings.Join(marks, ", ")), values...)
}

// change makes one random change.
func (a *app) change() {
	t := pick(a.r, a.tables...)
	if t.virtual != "" {
		a.insertInto(t)
		return
	}
	c := pick(a.r, t.columns...)
	kind := a.r.IntN(16)
	if a.steady && kind >= 7 && kind <= 12 && a.r.IntN(30) > 0 {
		kind = 13
	}
	switch kind {
	case 0, 1, 2:
		a.try(fmt.Sprintf("UPDATE OR IGNORE %s SET %s = ? WHERE %s > ?", t.name, c, pick(a.r, t.columns...)), a.value(), a.value())
	case 3, 4:
		a.try(fmt.Sprintf("DELETE FROM %s WHERE %s > ?", t.name, c), a.value())
	case 5:
		a.try(fmt.Sprintf("DELETE FROM %s WHERE length(%s) %% 3 = 1", t.name, c))
	case 6:
		a.try("PRAGMA incremental_vacuum(3)")
	case 7:
		if a.r.IntN(4) == 0 {
			a.try("VACUUM")
		}
	case 8:
		if a.r.IntN(3) == 0 {
			a.made++
			name := fmt.Sprintf("n%d", a.made)
			if a.try(fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s %s %s", t.name, name, pick(a.r, "", "INT", "TEXT", "REAL"),
				pick(a.r, "", "", "DEFAULT 5", "DEFAULT 'abc'", "DEFAULT -1.5", "NOT NULL DEFAULT 7", "DEFAULT (3)", "DEFAULT x'0102'", "COLLATE NOCASE DEFAULT 'Abc'"))) {
				t.columns = append(t.columns, name)
			}
		}
	case 9:
		a.index()
	case 10:
		if a.r.IntN(4) == 0 {
			a.try(fmt.Sprintf("DROP INDEX IF EXISTS i%d", a.r.IntN(a.made+1)))
		}
	case 11:
		if a.r.IntN(8) == 0 && len(a.tables) > 2 {
			a.table()
		}
	case 12:
		if a.r.IntN(6) == 0 {
			a.try("ANALYZE")
		}
	default:
		for range a.r.IntN(12) {
			a.insertInto(t)
		}
	}
}
