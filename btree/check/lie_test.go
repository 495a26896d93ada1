package check_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"

	"firn/internal/dbtest"
)

// lie is a change of the schema that SQLite is not told about. Under the false schema the application goes on, and then
// the true one is put back: so rows and entries of indexes come apart, while all pages are sound.
type lie struct {
	name      string
	kind      string // of the object
	old, made string // a regular expression in its definition, and what replaces the match
}

var lies = []lie{
	{"entries lost", "index", `$`, " WHERE 0"},
	{"entries lost", "index", `$`, " WHERE 0"},
	{"unique forgotten", "index", `UNIQUE INDEX`, "INDEX"},
	{"order turned", "index", ` DESC`, ""},
	{"collation lost", "index", ` COLLATE \w+`, ""},
	{"collation lost", "table", ` COLLATE \w+`, ""},
	{"null allowed", "table", ` NOT NULL`, ""},
	{"type forgotten", "table", ` (INT|INTEGER|TEXT|REAL|NUMERIC|DECIMAL\(10, 2\)|VARCHAR\(20\)|BLOB)\b`, " "},
	{"strict forgotten", "table", `,? STRICT`, ""},
	{"columns exchanged", "index", `\((\w+), (\w+)`, "($2, $1"},
	{"columns exchanged", "table", `\((\w+) (\w+), (\w+) (\w+)`, "($3 $2, $1 $4"},
	{"key turned", "table", `c0 DESC`, "c0"},
}

// lie returns an image that is the work of a lie, nil if the lie does not apply.
func (a *app) lie(image []byte, r *rand.Rand) ([]byte, string) {
	l := lies[r.IntN(len(lies))]
	path := filepath.Join(filepath.Dir(a.path), "lie.db")
	defer os.Remove(path)
	if err := os.WriteFile(path, image, 0o600); err != nil {
		a.t.Error(err)
		return nil, ""
	}
	name, sql := "", ""
	b := &app{t: a.t, path: path, r: r, tables: a.tables, made: a.made}
	b.db = dbtest.Open(a.t, path)
	err := b.db.QueryRow("SELECT name, sql FROM sqlite_schema WHERE type = ? AND sql IS NOT NULL AND rootpage > 0 ORDER BY random() LIMIT 1", l.kind).Scan(&name, &sql)
	false := regexp.MustCompile(l.old).ReplaceAllString(sql, l.made)
	if err != nil || false == sql || !b.pretend(name, false) {
		b.db.Close()
		return nil, ""
	}
	for range 2 + r.IntN(8) {
		t := pick(r, b.tables...)
		if t.virtual == "" {
			b.insertInto(t)
			b.try(fmt.Sprintf("UPDATE OR IGNORE %s SET %s = ? WHERE rowid %% 3 = 0", t.name, pick(r, t.columns...)), b.value())
			b.try(fmt.Sprintf("DELETE FROM %s WHERE %s = ?", t.name, pick(r, t.columns...)), b.value())
		}
	}
	ok := b.pretend(name, sql)
	b.db.Close()
	if !ok {
		return nil, ""
	}
	return b.image(), "lie: " + l.name
}

// pretend gives an object of the schema another definition.
func (a *app) pretend(name, definition string) bool {
	ok := a.try("PRAGMA writable_schema = ON") && a.try("UPDATE sqlite_schema SET sql = ? WHERE name = ?", definition, name)
	a.db.Close()
	db, err := sql.Open("sqlite", a.path)
	if err != nil {
		a.t.Error(err)
		return false
	}
	db.SetMaxOpenConns(1)
	a.db = db
	return a.try("PRAGMA synchronous = OFF") && ok && a.try("SELECT 1 FROM sqlite_schema")
}
