// Package dbtest makes SQLite databases for tests, changes them, and checks them. The databases have the features
// of a web application's: rows that overflow their page, a table without rowids, indexes over random keys, JSON, deleted
// rows. Two ledgers, on pages far apart, change only together, so a copy in which the ledgers differ is torn.
package dbtest

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // the driver
)

// Options describe a database. The zero value is a small database with 4096-byte pages and a rollback journal.
type Options struct {
	PageSize   int
	WAL        bool
	AutoVacuum int // 0 none, 1 full, 2 incremental
	Rows       int // of the largest table; 0 means 200, about 300 KiB in all
	Seed       uint64
}

const schema = `
CREATE TABLE users (
	id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, token BLOB NOT NULL, profile TEXT NOT NULL CHECK (json_valid(profile))
);
CREATE UNIQUE INDEX users_token ON users (token);
CREATE INDEX users_name ON users (json_extract(profile, '$.name'));
CREATE TABLE ledger_a (account INTEGER PRIMARY KEY, amount INTEGER NOT NULL);
CREATE TABLE posts (
	id INTEGER PRIMARY KEY, author INTEGER NOT NULL REFERENCES users, slug TEXT NOT NULL, body TEXT NOT NULL
);
CREATE INDEX posts_slug ON posts (slug, author);
CREATE TABLE sessions (token TEXT PRIMARY KEY, author INTEGER NOT NULL, data BLOB) WITHOUT ROWID;
CREATE TABLE ledger_b (account INTEGER PRIMARY KEY, amount INTEGER NOT NULL);
`

// accounts is the number of rows in each ledger.
const accounts = 16

// Create makes a database at path, which must not exist. No connection is left open.
func Create(t testing.TB, path string, o Options) {
	t.Helper()
	db := Open(t, path)
	defer closeDB(t, db)
	if o.PageSize == 0 {
		o.PageSize = 4096
	}
	if o.Rows == 0 {
		o.Rows = 200
	}
	Exec(t, db, fmt.Sprintf("PRAGMA page_size = %d; PRAGMA auto_vacuum = %d; PRAGMA synchronous = OFF", o.PageSize, o.AutoVacuum))
	if o.WAL {
		Exec(t, db, "PRAGMA journal_mode = WAL")
	}
	Exec(t, db, schema)
	fill(t, db, o)
}

func fill(t testing.TB, db *sql.DB, o Options) {
	t.Helper()
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	c := changer{tx, rand.New(rand.NewPCG(o.Seed, 1))}
	must := func(err error) {
		if err != nil {
			t.Fatalf("fill database: %v", err)
		}
	}
	for account := range accounts {
		must(c.exec("INSERT INTO ledger_a VALUES (?, 1000)", account))
		must(c.exec("INSERT INTO ledger_b VALUES (?, 1000)", account))
	}
	for range o.Rows / 4 {
		must(c.user())
	}
	for range o.Rows {
		must(c.post())
		must(c.session())
	}
	must(c.exec("DELETE FROM posts WHERE id % 10 = 0"))
	must(tx.Commit())
}

// Mutate makes n random changes, in transactions of a few changes each.
func Mutate(t testing.TB, path string, seed uint64, n int) {
	t.Helper()
	db := Open(t, path)
	defer closeDB(t, db)
	r := rand.New(rand.NewPCG(seed, 2))
	for done := 0; done < n; done += 10 {
		if err := transaction(db, r, min(10, n-done), true); err != nil {
			t.Fatalf("change %s: %v", path, err)
		}
	}
}

// CheckInvariant fails the test when the two ledgers differ.
func CheckInvariant(t testing.TB, path string) {
	t.Helper()
	db := Open(t, path)
	defer closeDB(t, db)
	var a, b, pairs int64
	err := db.QueryRow(`SELECT sum(a.amount), sum(b.amount), sum(a.amount = b.amount)
		FROM ledger_a a JOIN ledger_b b USING (account)`).Scan(&a, &b, &pairs)
	if err != nil {
		t.Fatalf("read ledgers of %s: %v", path, err)
	}
	if a != b || pairs != accounts {
		t.Errorf("ledgers of %s: got sums %d and %d, %d equal accounts, want equal sums and %d", path, a, b, pairs, accounts)
	}
}

// Integrity fails the test when SQLite's own checks find an error.
func Integrity(t testing.TB, path string) {
	t.Helper()
	db := Open(t, path)
	defer closeDB(t, db)
	var found string
	if err := db.QueryRow("PRAGMA integrity_check(1)").Scan(&found); err != nil {
		t.Fatalf("check %s: %v", path, err)
	}
	if found != "ok" {
		t.Errorf("integrity of %s: got %q, want ok", path, found)
	}
}

// Open opens a database with one connection, and creates a missing database. The caller closes the connection.
func Open(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := openDB(path)
	if err != nil {
		t.Fatalf("open %s: %v", path, err)
	}
	return db
}

func openDB(path string) (*sql.DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	name := url.URL{Scheme: "file", Path: "/" + strings.TrimPrefix(filepath.ToSlash(abs), "/"), RawQuery: "_pragma=busy_timeout(20000)"}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // pragmas belong to a connection
	return db, db.PingContext(context.Background())
}

// Exec runs SQL, and fails the test on an error.
func Exec(t testing.TB, db *sql.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.Exec(query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func closeDB(t testing.TB, db *sql.DB) {
	t.Helper()
	if err := db.Close(); err != nil {
		t.Fatalf("close database: %v", err)
	}
}
