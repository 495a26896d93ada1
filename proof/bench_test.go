package proof_test

import (
	"database/sql"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"firn/internal/dbtest"
	"firn/proof"
)

var megabytes = flag.Int("megabytes", 8, "size of the database that benchmarks prove")

// BenchmarkDifference proves a database with foreign keys, CHECK constraints and a partial index in which some 600 pages
// have changed:
//
//	go test ./proof -run - -bench Difference -benchtime 20x -args -megabytes 500
func BenchmarkDifference(b *testing.B) {
	path := filepath.Join(b.TempDir(), "a.db")
	db := dbtest.Open(b, path)
	fillApp(b, db, *megabytes)
	older := path + ".older"
	copyFile(b, path, older)
	workADay(b, db)
	db.Close()
	images := [2]proof.Image{opened(b, older), opened(b, path)}
	ranges := differing(imageBytes(b, images[0]), imageBytes(b, images[1]))
	pages := 0
	for range ranges {
		pages++
	}
	var list [][2]int64
	for from, to := range ranges {
		list = append(list, [2]int64{from, to})
	}
	again := func(yield func(int64, int64) bool) {
		for _, r := range list {
			if !yield(r[0], r[1]) {
				return
			}
		}
	}
	start := cpu(b)
	for b.Loop() {
		r, err := proof.Rules{}.Difference(b.Context(), images[0], images[1], again)
		if err != nil || len(r.Problems) > 0 || r.Undecided != "" {
			b.Fatal(r, err)
		}
		if b.N == 1 {
			b.Logf("unchecked: %q", r.Unchecked)
		}
	}
	b.ReportMetric(float64(cpu(b)-start)/1e6/float64(b.N), "ms-cpu/op")
	b.ReportMetric(float64(pages), "pages")
}

// BenchmarkWhole checks all pages of the same database, with foreign keys and without:
//
//	go test ./proof -run - -bench Whole -benchtime 3x -args -megabytes 500
func BenchmarkWhole(b *testing.B) {
	path := filepath.Join(b.TempDir(), "a.db")
	db := dbtest.Open(b, path)
	fillApp(b, db, *megabytes)
	db.Close()
	image := opened(b, path)
	for name, rules := range map[string]proof.Rules{"Keys": {}, "NoKeys": {NoForeignKeys: true}} {
		b.Run(name, func(b *testing.B) {
			start := cpu(b)
			for b.Loop() {
				if r, err := rules.Whole(b.Context(), image); err != nil || len(r.Problems) > 0 {
					b.Fatal(r, err)
				}
			}
			b.ReportMetric(float64(cpu(b)-start)/1e6/float64(b.N), "ms-cpu/op")
		})
	}
}

// cpu returns how much processor time the process has taken.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// fillApp makes the database of an application.
func fillApp(b *testing.B, db *sql.DB, megabytes int) {
	dbtest.Exec(b, db, `PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY;
		CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, profile TEXT CHECK (length(profile) > 3));
		CREATE TABLE posts (id INTEGER PRIMARY KEY, user INTEGER NOT NULL REFERENCES users, title TEXT, body TEXT CHECK (body <> ''));
		CREATE TABLE events (id INTEGER PRIMARY KEY, user INTEGER NOT NULL REFERENCES users, post INTEGER REFERENCES posts ON DELETE SET NULL, token BLOB, payload TEXT);
		CREATE TABLE sessions (token TEXT PRIMARY KEY, user INTEGER NOT NULL REFERENCES users ON DELETE CASCADE, data TEXT) WITHOUT ROWID;
		CREATE INDEX posts_user ON posts (user); CREATE INDEX events_user ON events (user); CREATE INDEX events_token ON events (token);
		CREATE INDEX events_post ON events (post) WHERE post IS NOT NULL; CREATE INDEX sessions_user ON sessions (user);`)
	n := megabytes * 100
	numbers := fmt.Sprintf("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT %d) INSERT INTO ", n)
	dbtest.Exec(b, db, numbers+"users SELECT i, hex(randomblob(8)) || '@example.org', hex(randomblob(400)) FROM n")
	dbtest.Exec(b, db, numbers+"posts SELECT i, i * 7919 % "+fmt.Sprint(n)+" + 1, hex(randomblob(20)), hex(randomblob(2000)) FROM n")
	for range 8 {
		dbtest.Exec(b, db, numbers+"events SELECT NULL, i * 104729 % "+fmt.Sprint(n)+" + 1, iif(i % 3 = 0, i, NULL), randomblob(16), hex(randomblob(200)) FROM n")
	}
	dbtest.Exec(b, db, numbers+"sessions SELECT hex(randomblob(16)), i, hex(randomblob(100)) FROM n")
}

// workADay changes rows all over the database.
func workADay(b *testing.B, db *sql.DB) {
	dbtest.Exec(b, db, `PRAGMA foreign_keys = ON;
		UPDATE users SET profile = hex(randomblob(400)) WHERE id IN (SELECT abs(random()) % (SELECT max(id) FROM users) + 1 FROM users LIMIT 100);
		INSERT INTO posts SELECT NULL, id, 'new', hex(randomblob(2000)) FROM users LIMIT 40;
		INSERT INTO events SELECT NULL, id, id, randomblob(16), hex(randomblob(200)) FROM users LIMIT 100;
		DELETE FROM events WHERE id IN (SELECT abs(random()) % (SELECT max(id) FROM events) + 1 FROM users LIMIT 60);
		DELETE FROM posts WHERE id IN (SELECT abs(random()) % (SELECT max(id) FROM posts) + 1 FROM users LIMIT 5);
		DELETE FROM sessions WHERE token IN (SELECT token FROM sessions ORDER BY user LIMIT 20);
		INSERT INTO sessions SELECT hex(randomblob(16)), id, hex(randomblob(100)) FROM users LIMIT 20`)
}

func copyFile(b *testing.B, from, to string) {
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, 0o600)
	}
	if err != nil {
		b.Fatal(err)
	}
}

// opened opens a file as an image.
func opened(b *testing.B, path string) proof.Image {
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { f.Close() })
	info, err := f.Stat()
	if err != nil {
		b.Fatal(err)
	}
	return proof.Image{Reader: f, Size: info.Size()}
}

func imageBytes(b *testing.B, image proof.Image) []byte {
	data := make([]byte, image.Size)
	if _, err := image.Reader.ReadAt(data, 0); err != nil {
		b.Fatal(err)
	}
	return data
}
