package main

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strings"
)

// schema has the shape of a web application: rows with JSON, texts that spill
// into overflow pages, indexes on random keys, and a table without row IDs.
const schema = `
PRAGMA page_size = 4096;
PRAGMA journal_mode = off;
PRAGMA synchronous = off;
PRAGMA cache_size = -262144;
CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT, profile TEXT);
CREATE TABLE posts (id INTEGER PRIMARY KEY, user INTEGER NOT NULL, title TEXT, body TEXT);
CREATE TABLE events (id INTEGER PRIMARY KEY, token BLOB NOT NULL, user INTEGER NOT NULL, stamp TEXT NOT NULL, payload TEXT);
CREATE TABLE sessions (token TEXT PRIMARY KEY, user INTEGER NOT NULL, data TEXT) WITHOUT ROWID;
CREATE INDEX posts_user ON posts (user);
CREATE INDEX events_token ON events (token);
CREATE INDEX events_user ON events (user);
`

// app makes an application's writes. The same seed makes the same writes to the same
// database. After its first error, an app does nothing.
type app struct {
	db       *sql.DB
	tx       *sql.Tx
	prepared map[string]*sql.Stmt // the transaction closes them
	rng      *rand.Rand
	err      error

	users, posts, events int64 // highest IDs
}

// newApp returns the app for the n-th transaction.
func newApp(db *sql.DB, seed, n uint64) *app {
	return &app{db: db, rng: rand.New(rand.NewPCG(seed, n))}
}

// transaction runs write in a transaction, and commits if all its statements succeeded.
func (a *app) transaction(write func()) error {
	tx, err := a.db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	a.tx, a.prepared = tx, make(map[string]*sql.Stmt)
	a.err = tx.QueryRow(`SELECT ifnull((SELECT max(id) FROM users), 0), ifnull((SELECT max(id) FROM posts), 0),
		ifnull((SELECT max(id) FROM events), 0)`).Scan(&a.users, &a.posts, &a.events)
	if write(); a.err != nil {
		return a.err
	}
	return tx.Commit()
}

// fill adds rows of about 2 MB.
func (a *app) fill() {
	a.repeat(300, a.addUser)
	a.repeat(100, a.addPost)
	a.repeat(2000, a.addEvent)
	a.repeat(400, a.addSession)
}

// tick makes the changes between two backups: about 400 rows, in 600 pages of a database
// of 500 MB.
func (a *app) tick() {
	a.repeat(2, a.addUser)
	a.repeat(15, a.addPost)
	a.repeat(80, a.addEvent)
	a.repeat(70, a.addSession)
	a.repeat(90, a.changeUser)
	a.repeat(15, a.changePost)
	a.repeat(30, a.dropEvent)
	a.repeat(70, a.dropSession)
}

// touchPages changes one row in each of n pages. The rows are so far apart that no two
// share a page. The column keeps its length and is in no index.
func (a *app) touchPages(n int64) {
	const apart = 64 // more rows than fit on a page
	stride := a.events / n
	if stride < 2*apart {
		a.err = fmt.Errorf("%d pages are too many for a database of %d events", n, a.events)
	}
	for i := range n {
		if a.err != nil {
			return
		}
		id := i*stride + a.rng.Int64N(stride-apart) + 1
		a.exec("UPDATE events SET stamp = ? WHERE id = (SELECT min(id) FROM events WHERE id >= ?)", a.hex(16), id)
	}
}

func (a *app) repeat(n int, write func()) {
	for range n {
		write()
	}
}

func (a *app) addUser() {
	a.users++
	a.exec("INSERT INTO users VALUES (?, ?, ?, ?)", a.users, a.hex(12)+"@example.org", a.words(2), a.profile())
}

func (a *app) changeUser() {
	a.exec("UPDATE users SET profile = ? WHERE id = ?", a.profile(), 1+a.rng.Int64N(a.users))
}

func (a *app) addPost() {
	a.posts++
	a.exec("INSERT INTO posts VALUES (?, ?, ?, ?)", a.posts, 1+a.rng.Int64N(a.users), a.words(6), a.body())
}

func (a *app) changePost() {
	a.exec("UPDATE posts SET body = ? WHERE id = ?", a.body(), 1+a.rng.Int64N(a.posts))
}

func (a *app) addEvent() {
	a.events++
	a.exec("INSERT INTO events VALUES (?, unhex(?), ?, ?, ?)", a.events, a.hex(32), 1+a.rng.Int64N(a.users), a.hex(16),
		fmt.Sprintf(`{"ip":"10.%d.%d.%d","path":"/%s","took":%d,"note":%q}`,
			a.rng.IntN(256), a.rng.IntN(256), a.rng.IntN(256), a.words(1), a.rng.IntN(5000), a.words(10+a.rng.IntN(20))))
}

func (a *app) dropEvent() {
	a.exec("DELETE FROM events WHERE id = (SELECT min(id) FROM events WHERE id >= ?)", 1+a.rng.Int64N(a.events))
}

func (a *app) addSession() {
	a.exec("INSERT INTO sessions VALUES (?, ?, ?)", a.hex(32), 1+a.rng.Int64N(a.users), a.profile())
}

func (a *app) dropSession() {
	a.exec("DELETE FROM sessions WHERE token = (SELECT min(token) FROM sessions WHERE token >= ?)", a.hex(32))
}

func (a *app) exec(query string, args ...any) {
	s := a.prepared[query]
	if s == nil && a.err == nil {
		s, a.err = a.tx.Prepare(query)
		a.prepared[query] = s
	}
	if a.err == nil {
		_, a.err = s.Exec(args...)
	}
}

func (a *app) profile() string {
	return fmt.Sprintf(`{"theme":%q,"visits":%d,"bio":%q}`, a.words(1), a.rng.IntN(1e6), a.words(5+a.rng.IntN(20)))
}

// body is a text; every fourth is longer than a page.
func (a *app) body() string {
	if a.rng.IntN(4) == 0 {
		return a.words(800 + a.rng.IntN(3000))
	}
	return a.words(50 + a.rng.IntN(300))
}

// hex returns n random hex digits.
func (a *app) hex(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = "0123456789abcdef"[a.rng.IntN(16)]
	}
	return string(b)
}

// words returns n words. Short words are more frequent than long words.
func (a *app) words(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(' ')
		}
		x := a.rng.ExpFloat64() * 60
		for x++; x >= 1; x /= 9 {
			b.WriteString([]string{"ba", "lo", "ri", "ten", "su", "mar", "ko", "vi", "shen"}[int(x)%9])
		}
	}
	return b.String()
}
