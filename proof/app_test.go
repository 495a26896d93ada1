package proof_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"firn/internal/dbtest"
)

// app is an application with a random schema, and a random history in which nothing keeps foreign keys and CHECK
// constraints from being broken.
type app struct {
	t      *testing.T
	path   string
	db     *sql.DB
	r      *rand.Rand
	tables []*appTable
	made   int
}

type appTable struct {
	name    string
	columns []string // that can be written
	keys    []string // lists of columns that others may refer to, "" for the primary key
	two     bool     // columns in the primary key
	virtual bool
}

func newApp(t *testing.T, dir string, seed uint64) *app {
	a := &app{t: t, path: filepath.Join(dir, fmt.Sprintf("app-%d.db", seed)), r: rand.New(rand.NewPCG(seed, 17))}
	a.open()
	a.must(fmt.Sprintf("PRAGMA page_size = %d; PRAGMA auto_vacuum = %d; PRAGMA encoding = '%s'", 512<<a.r.IntN(4), max(0, a.r.IntN(5)-2),
		pick(a.r, "UTF-8", "UTF-8", "UTF-8", "UTF-16le", "UTF-16be")))
	if a.r.IntN(4) == 0 {
		a.must("PRAGMA journal_mode = WAL; CREATE TABLE gone (a); DROP TABLE gone; PRAGMA wal_checkpoint(TRUNCATE)")
	}
	for range 3 + a.r.IntN(4) {
		a.table()
	}
	if a.r.IntN(4) == 0 && a.try("CREATE VIRTUAL TABLE words USING fts5(c0, c1)") {
		a.tables = append(a.tables, &appTable{name: "words", virtual: true})
	}
	if a.r.IntN(4) == 0 && a.try("CREATE VIRTUAL TABLE boxes USING rtree(id, c0, c1, c2, c3)") {
		a.tables = append(a.tables, &appTable{name: "boxes", virtual: true})
	}
	for range 3 + a.r.IntN(5) {
		a.index()
	}
	for range 40 + a.r.IntN(60) {
		a.insert(pick(a.r, a.tables...))
	}
	a.mend()
	return a
}

func (a *app) open() {
	a.db = dbtest.Open(a.t, a.path)
	a.must("PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; PRAGMA cache_size = 50")
}

func (a *app) must(query string) {
	a.t.Helper()
	if _, err := a.db.Exec(query); err != nil {
		a.t.Fatalf("%s: %v", query, err)
	}
}

// try runs a statement that may break a constraint.
func (a *app) try(query string, args ...any) bool {
	_, err := a.db.Exec(query, args...)
	return err == nil
}

// image returns the bytes of the database.
func (a *app) image() []byte {
	a.try("PRAGMA wal_checkpoint(TRUNCATE)")
	b, err := os.ReadFile(a.path)
	if err != nil {
		a.t.Fatal(err)
	}
	return b
}

// set makes an image the database.
func (a *app) set(image []byte) {
	a.db.Close()
	for _, suffix := range []string{"-wal", "-shm"} {
		os.Remove(a.path + suffix)
	}
	if err := os.WriteFile(a.path, image, 0o600); err != nil {
		a.t.Fatal(err)
	}
	a.open()
}

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

// table creates a random table, with foreign keys to itself and others.
func (a *app) table() {
	a.made++
	t := &appTable{name: pick(a.r, "t", "T ", "t\"")}
	t.name = `"` + strings.ReplaceAll(fmt.Sprintf("%s%d", t.name, a.made), `"`, `""`) + `"`
	strict := a.r.IntN(5) == 0
	var parts, unique []string
	for i := range 3 + a.r.IntN(4) {
		name := fmt.Sprintf("c%d", i)
		if i == 2 && a.r.IntN(8) == 0 {
			name = "rowid"
		}
		t.columns = append(t.columns, name)
		kind := pick(a.r, "", "", "INTEGER", "INTEGER", "INT", "TEXT", "TEXT", "REAL", "NUMERIC", "BLOB")
		if strict {
			kind = pick(a.r, "INT", "INTEGER", "REAL", "TEXT", "BLOB", "ANY")
		}
		rule := pick(a.r, "", "", "", " COLLATE NOCASE", " COLLATE RTRIM", " NOT NULL DEFAULT 7", " UNIQUE", " COLLATE NOCASE UNIQUE", " UNIQUE COLLATE RTRIM",
			" CHECK (c0 IS NOT c1)", " CONSTRAINT odd CHECK (typeof(c1) <> 'real' OR c1 > 2)")
		parts = append(parts, name+" "+kind+rule)
		if strings.Contains(rule, "UNIQUE") {
			unique = append(unique, "("+name+")")
		}
	}
	options := ""
	t.keys = append(unique, "")
	switch a.r.IntN(6) {
	case 0, 1:
		parts[0] = "c0 INTEGER PRIMARY KEY"
	case 2:
		parts[0] = "c0 " + pick(a.r, "TEXT", "INT", "BLOB") + pick(a.r, "", " COLLATE NOCASE") + " PRIMARY KEY" + pick(a.r, "", " DESC")
	case 3:
		options = " WITHOUT ROWID"
		t.two = true
		parts = append(parts, "PRIMARY KEY (c0"+pick(a.r, "", " DESC", " COLLATE NOCASE")+", c1)")
	case 4:
		options = " WITHOUT ROWID"
		parts = append(parts, "PRIMARY KEY (c0)")
	case 5:
		parts = append(parts, "UNIQUE (c1, c0"+pick(a.r, "", " COLLATE RTRIM")+")")
		t.keys = append(unique, "(c0, c1)", "(c1, c0)")
	}
	if a.r.IntN(4) == 0 {
		parts = append(parts[:len(t.columns):len(t.columns)], append([]string{"g INT NOT NULL DEFAULT 1"}, parts[len(t.columns):]...)...)
		if !strict {
			parts[len(t.columns)] = "g INT GENERATED ALWAYS AS (length(c1))" + pick(a.r, "", " STORED", " VIRTUAL NOT NULL", " UNIQUE")
		}
	}
	if a.r.IntN(8) == 0 {
		t.keys = append(t.keys, "(c2)") // mostly a mismatch
	}
	for range a.r.IntN(3) {
		parts = append(parts, a.foreignKey(t))
	}
	if strict {
		options = strings.TrimPrefix(options+", STRICT", ",")
	}
	if a.try(fmt.Sprintf("CREATE TABLE %s (%s)%s", t.name, strings.Join(parts, ", "), options)) {
		a.tables = append(a.tables, t)
	}
}

func (a *app) foreignKey(t *appTable) string {
	parent := pick(a.r, append(a.tables, t)...)
	if a.r.IntN(20) == 0 {
		parent = &appTable{name: "nowhere", keys: []string{"(c0)"}}
	}
	key := pick(a.r, parent.keys...)
	columns := pick(a.r, t.columns...)
	if strings.Contains(key, ",") || key == "" && parent.two {
		columns += ", " + pick(a.r, t.columns...)
	}
	action := func() string {
		return pick(a.r, "CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT", "NO ACTION")
	}
	return fmt.Sprintf("FOREIGN KEY (%s) REFERENCES %s %s ON DELETE %s ON UPDATE %s%s", columns, parent.name, key, action(), action(),
		pick(a.r, "", "", " DEFERRABLE INITIALLY DEFERRED"))
}

// index creates a random index.
func (a *app) index() {
	t := pick(a.r, a.tables...)
	if t.virtual {
		return
	}
	a.made++
	columns := pick(a.r, t.columns...)
	switch a.r.IntN(6) {
	case 0:
		columns = "lower(" + columns + ")" + pick(a.r, "", " DESC", " COLLATE RTRIM")
	case 1:
		columns += ", " + pick(a.r, t.columns...) + " || 'x'" + pick(a.r, "", " DESC")
	case 2:
		columns += " COLLATE NOCASE"
	}
	where := pick(a.r, "", "", "", " WHERE "+pick(a.r, t.columns...)+" > 3", " WHERE "+pick(a.r, t.columns...)+" IS NOT NULL")
	a.try(fmt.Sprintf("CREATE %sINDEX i%d ON %s (%s)%s", pick(a.r, "", "", "UNIQUE "), a.made, t.name, columns, where))
}

// value returns a random value. There are few, so that rows refer to each other.
func (a *app) value() any {
	switch a.r.IntN(16) {
	case 0, 1:
		return nil
	case 2:
		return pick(a.r, 3.0, 2.5, 4.0, 9007199254740993.0)
	case 3:
		return pick[any](a.r, int64(9007199254740993), int64(9007199254740992), int64(-1)<<63)
	case 4, 5, 6:
		return pick(a.r, "3", "03", "3.0", "4", " 5", "5 ", "6x", "")
	case 7, 8, 9:
		return pick(a.r, "abc", "ABC", "abc ", "Abc", "d", "D", "é", "a\x00b")
	case 10:
		return []byte(pick(a.r, "3", "abc", ""))
	case 11:
		return strings.Repeat(pick(a.r, "long ", "Long "), a.r.IntN(300))
	}
	return int64(a.r.IntN(12))
}

func (a *app) insert(t *appTable) {
	if t.virtual {
		x, y := a.r.IntN(100), a.r.IntN(100)
		if t.name == "boxes" {
			a.try("INSERT OR IGNORE INTO boxes VALUES (NULL, ?, ?, ?, ?)", x, x+5, y, y+5)
			return
		}
		a.try("INSERT INTO words VALUES (?, ?)", fmt.Sprint("w", x, " v", y), "b c")
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
	if t.virtual {
		a.insert(t)
		return
	}
	c := pick(a.r, t.columns...)
	switch a.r.IntN(12) {
	case 0, 1, 2:
		a.try(fmt.Sprintf("UPDATE OR IGNORE %s SET %s = ? WHERE %s = ?", t.name, c, pick(a.r, t.columns...)), a.value(), a.value())
	case 3:
		a.try(fmt.Sprintf("UPDATE OR IGNORE %s SET %s = %s", t.name, c, pick(a.r, t.columns...)))
	case 4, 5:
		a.try(fmt.Sprintf("DELETE FROM %s WHERE %s = ?", t.name, c), a.value())
	case 6:
		v, w := a.value(), a.value()
		for range 2 { // away and back
			a.try(fmt.Sprintf("UPDATE OR IGNORE %s SET %s = ? WHERE %s = ?", t.name, c, c), v, w)
			v, w = w, v
		}
	case 7:
		if a.r.IntN(8) == 0 {
			a.try("VACUUM")
		}
	case 8:
		a.try("PRAGMA ignore_check_constraints = 1")
		a.insert(t)
		a.try(fmt.Sprintf("UPDATE OR IGNORE %s SET c0 = c1 WHERE c0 <> c1 AND c2 = ?", t.name), a.value())
		a.try("PRAGMA ignore_check_constraints = 0")
	default:
		for range 1 + a.r.IntN(4) {
			a.insert(t)
		}
	}
}

// mend removes rows that break a foreign key, until there are none.
func (a *app) mend() {
	for range 30 {
		broken := orphans(a.db)
		if len(broken) == 0 {
			return
		}
		for table := range broken {
			t := `"` + strings.ReplaceAll(table, `"`, `""`) + `"`
			if !a.try(fmt.Sprintf("DELETE FROM %s WHERE _rowid_ IN (SELECT rowid FROM pragma_foreign_key_check(?))", t), table) {
				a.try("DELETE FROM " + t)
			}
		}
	}
}

// lie is a change of the schema that SQLite is not told about. Under the false schema the application goes on, and then
// the true one is put back: so what the definition asks for is broken, while all pages are sound.
type lie struct{ old, made string } // a regular expression in a definition, and what replaces the match

var lies = []lie{
	{`(INDEX [^;]*\))$`, "$1 WHERE 0"},
	{`lower\(`, "upper("},
	{`\|\| 'x'`, "|| 'y'"},
	{`> 3$`, "> 5"},
	{`IS NOT NULL$`, "IS NULL"},
	{`CHECK \(c0 IS NOT c1\)`, ""},
	{`<> 'real' OR`, "<> 'text' OR"},
	{`UNIQUE INDEX`, "INDEX"},
	{`VIRTUAL NOT NULL`, "VIRTUAL"},
	{` COLLATE NOCASE`, ""},
}

// lie returns an image that is the work of a lie, nil if the lie does not apply.
func (a *app) lie(image []byte) []byte {
	defer a.set(image)
	l := pick(a.r, lies...)
	var name, sql string
	err := a.db.QueryRow("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND rootpage > 0 ORDER BY random() LIMIT 1").Scan(&name, &sql)
	untrue := regexp.MustCompile(l.old).ReplaceAllString(sql, l.made)
	if err != nil || untrue == sql || !a.pretend(name, untrue) {
		return nil
	}
	for range 2 + a.r.IntN(6) {
		a.change()
	}
	if !a.pretend(name, sql) {
		return nil
	}
	return a.image()
}

// pretend gives an object of the schema another definition.
func (a *app) pretend(name, definition string) bool {
	ok := a.try("PRAGMA writable_schema = ON") && a.try("UPDATE sqlite_schema SET sql = ? WHERE name = ?", definition, name)
	a.image()
	a.db.Close()
	db, err := sql.Open("sqlite", a.path)
	if err != nil {
		a.t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	a.db = db
	return ok && a.try("PRAGMA synchronous = OFF") && a.try("SELECT 1 FROM sqlite_schema")
}
