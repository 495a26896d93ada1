package btree_test

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"firn/internal/dbtest"
)

// app is an application with a database of all kinds of tables.
type app struct {
	path string
	r    *rand.Rand
	log  []string
	made int // number of tables
}

const schema = `
CREATE TABLE plain (id INTEGER PRIMARY KEY, a INTEGER, small TEXT, large TEXT, tail INTEGER);
CREATE INDEX plain_large ON plain (large, a);
CREATE TABLE hidden (a, b BLOB, c);
CREATE TABLE texts (k TEXT PRIMARY KEY, v TEXT);
CREATE TABLE keyed (a TEXT COLLATE NOCASE, b INTEGER, v TEXT, n, PRIMARY KEY (b DESC, a)) WITHOUT ROWID;
CREATE TABLE wide (k TEXT, v BLOB, tail TEXT, PRIMARY KEY (k)) WITHOUT ROWID;
CREATE TABLE empty (a);
CREATE VIRTUAL TABLE words USING fts5(body);
`

func newApp(t *testing.T, o dbtest.Options) *app {
	a := &app{path: filepath.Join(t.TempDir(), "app.db"), r: rand.New(rand.NewPCG(o.Seed, 3))}
	a.run(t, fmt.Sprintf("PRAGMA page_size = %d; PRAGMA auto_vacuum = %d", o.PageSize, o.AutoVacuum)+";"+schema)
	if o.WAL {
		a.run(t, "PRAGMA journal_mode = WAL")
	}
	for range 60 {
		a.insert(t)
	}
	return a
}

func (a *app) run(t *testing.T, query string, args ...any) {
	t.Helper()
	a.log = append(a.log, query)
	a.log = a.log[max(0, len(a.log)-40):]
	db := dbtest.Open(t, a.path)
	defer db.Close()
	dbtest.Exec(t, db, "PRAGMA synchronous = OFF; PRAGMA cache_size = 20")
	dbtest.Exec(t, db, query, args...)
}

// save returns a copy of the database.
func (a *app) save(t *testing.T) string {
	db := dbtest.Open(t, a.path)
	dbtest.Exec(t, db, "PRAGMA wal_checkpoint(TRUNCATE)")
	db.Close()
	b, err := os.ReadFile(a.path)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// text returns a text of up to n bytes that does not repeat itself.
func (a *app) text(n int) string {
	b := make([]byte, a.r.IntN(n+1)/2)
	for i := range b {
		b[i] = byte(a.r.Uint32())
	}
	return hex.EncodeToString(b)
}

// size returns a length, which is sometimes large.
func (a *app) size() int { return []int{20, 200, 1500, 9000}[a.r.IntN(4)] }

func (a *app) insert(t *testing.T) {
	switch a.r.IntN(6) {
	case 0, 1:
		a.run(t, "INSERT INTO plain (a, small, large, tail) VALUES (?, ?, ?, 1000)", a.r.IntN(100), a.text(40), a.text(a.size()))
	case 2:
		a.run(t, "INSERT INTO hidden (a, b, c) VALUES (?, ?, 0.5)", a.text(30), []byte(a.text(a.size())))
	case 3:
		a.run(t, "INSERT OR REPLACE INTO texts VALUES (?, ?)", a.text(6), a.text(a.size()))
	case 4:
		a.run(t, "INSERT OR REPLACE INTO keyed (a, b, v, n) VALUES (?, ?, ?, 1000)", a.text(8), a.r.IntN(5), a.text(a.size()))
	default:
		a.run(t, "INSERT OR REPLACE INTO wide VALUES (?, ?, 'abcd')", a.text(a.size()), []byte(a.text(a.size())))
	}
}

// change makes one random change. Some changes do not alter the length of a row, so that overflow
// pages are written in place.
func (a *app) change(t *testing.T) {
	id := a.r.IntN(40)
	switch a.r.IntN(22) {
	case 0:
		a.run(t, "UPDATE plain SET tail = 1000 + abs(random() % 1000) WHERE id % 7 = ?", id%7)
	case 1:
		a.run(t, "UPDATE keyed SET n = 1000 + abs(random() % 1000) WHERE b = ?", id%5)
	case 2:
		a.run(t, "UPDATE wide SET tail = lower(hex(randomblob(2))) WHERE length(k) % 3 = ?", id%3)
	case 3:
		a.run(t, "UPDATE plain SET large = lower(hex(randomblob(length(large) / 2))) WHERE id = ?", id)
	case 4:
		a.run(t, "UPDATE plain SET large = substr(large, 1, length(large) - 8) || lower(hex(randomblob(4))) WHERE length(large) > 8 AND id % 5 = ?", id%5)
	case 5:
		a.run(t, "UPDATE plain SET a = a + 1 WHERE id > ?", id)
	case 6:
		a.run(t, "UPDATE hidden SET b = ? WHERE rowid = ?", []byte(a.text(a.size())), id)
	case 7:
		a.run(t, "DELETE FROM plain WHERE id BETWEEN ? AND ?", id, id+a.r.IntN(15))
	case 8:
		a.run(t, "DELETE FROM keyed WHERE b = ?", id%5)
	case 9:
		a.run(t, "DELETE FROM wide WHERE length(v) > ?", a.size())
	case 10:
		a.run(t, "DELETE FROM "+[]string{"plain", "hidden", "keyed", "wide", "texts", "empty"}[a.r.IntN(6)])
	case 11:
		a.run(t, "VACUUM")
	case 12:
		a.run(t, "PRAGMA incremental_vacuum(10)")
	case 13:
		a.made++
		a.run(t, fmt.Sprintf("CREATE TABLE new%d AS SELECT * FROM plain", a.made))
	case 14:
		a.run(t, fmt.Sprintf("DROP TABLE IF EXISTS new%d", a.r.IntN(a.made+1)))
	case 15:
		a.made++
		a.run(t, fmt.Sprintf("ALTER TABLE %s ADD COLUMN c%d", []string{"plain", "hidden", "keyed"}[a.r.IntN(3)], a.made))
	case 16:
		a.run(t, "DROP INDEX IF EXISTS plain_large")
	case 17:
		a.run(t, "CREATE INDEX IF NOT EXISTS plain_large ON plain (large, a)")
	case 18:
		a.run(t, "UPDATE keyed SET a = upper(a) WHERE b = ?", id%5)
	case 19:
		a.run(t, "INSERT INTO words VALUES (?)", a.text(200))
	case 20:
		a.run(t, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 300) INSERT INTO empty SELECT i FROM n")
	default:
		for range a.r.IntN(30) {
			a.insert(t)
		}
	}
}
