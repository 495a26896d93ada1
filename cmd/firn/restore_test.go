package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"firn/internal/dbtest"
)

// clinic is a host on which a restore is killed again and again: of a snapshot of
// production into demo.
type clinic struct {
	*machine
	production string // content that a restore brings
}

const clinicConfig = `repository = "repository"
key_file = "firn.key"
[env.production]
database = "production.db"
name = "app"
[env.demo]
database = "demo.db"
name = "app"
stop = "echo stopped >> log"
start = "echo started >> log"
`

func newClinic(t *testing.T, seed uint64, o dbtest.Options, more string) *clinic {
	c := &clinic{machine: newMachine(t, t.TempDir(), nil, seed)}
	o.Seed = seed
	dbtest.Create(t, c.path("production.db"), o)
	c.configure(clinicConfig + more)
	c.must("init", "--quiet")
	c.must("backup", "production")
	c.production = contentOf(t, c.path("production.db"))
	return c
}

// contentOf returns what rows a database holds. It fails the test if the database
// is not sound.
func contentOf(t testing.TB, path string) string {
	t.Helper()
	dbtest.Integrity(t, path)
	dbtest.CheckInvariant(t, path)
	db := dbtest.Open(t, path)
	defer db.Close()
	var content string
	err := db.QueryRow(`SELECT group_concat(email || hex(token)) || (SELECT group_concat(slug || hex(body)) FROM posts) FROM users`).Scan(&content)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// killed restores with these arguments and kills that somewhere on its way, until
// it was killed often enough; check looks at what is left each time. prepare makes
// the target what it was before.
func (c *clinic) killed(prepare, check func(), args ...string) {
	c.Helper()
	times := 20
	if testing.Short() {
		times = 4
	}
	args = append([]string{"restore", "demo", "--from", "production", "--snapshot", "latest", "--yes"}, args...)
	prepare()
	began := time.Now()
	c.must(args...)
	whole := time.Since(began)
	for kills := 0; kills < times; {
		prepare()
		r := c.runFor(time.Duration(c.random.Int64N(int64(whole))), args...)
		if r.err != nil && r.code != -1 {
			c.Fatalf("firn %v: %v\n%s", args, r.err, r.stderr)
		}
		if r.err != nil {
			kills++
		}
		check()
		c.checkStarted()
	}
	prepare()
	c.must(args...)
	if left, err := filepath.Glob(c.path(".firn-*")); err != nil || len(left) > 0 {
		c.Errorf("after a restore that was not killed: got %v, %v, want no private files", left, err)
	}
	c.must("check", "--read-data")
}

// checkStarted fails the test unless the application runs: it was started after
// each stop. The process that starts it has ended, since it held our pipes.
func (c *clinic) checkStarted() {
	c.Helper()
	log, err := os.ReadFile(c.path("log"))
	if err != nil && !os.IsNotExist(err) {
		c.Fatal(err)
	}
	lines := strings.Fields(string(log))
	if n := len(lines); n > 0 && lines[n-1] != "started" {
		c.Errorf("the application is stopped: %v", lines)
	}
}

// remove removes a database and all that belongs to it.
func (c *clinic) remove(name string) {
	c.Helper()
	files, err := filepath.Glob(c.path(name) + "*")
	if err != nil {
		c.Fatal(err)
	}
	for _, path := range files {
		if err := os.Remove(path); err != nil {
			c.Fatal(err)
		}
	}
}

// TestRestoreKilled kills restores into databases that are there: each is the old
// one or the new one afterwards, whole.
func TestRestoreKilled(t *testing.T) {
	t.Parallel()
	for n, o := range []dbtest.Options{{WAL: true}, {}, {WAL: true, AutoVacuum: 1}} {
		t.Run(fmt.Sprintf("wal=%v,vacuum=%d", o.WAL, o.AutoVacuum), func(t *testing.T) {
			t.Parallel()
			seed := seedOf(t) + uint64(n)
			c := newClinic(t, seed, o, "")
			o.Seed = seed + 100
			dbtest.Create(t, c.path("other.db"), o)
			other := contentOf(t, c.path("other.db"))
			image, err := os.ReadFile(c.path("other.db"))
			if err != nil {
				t.Fatal(err)
			}
			demo := c.path("demo.db")
			c.killed(func() {
				c.remove("demo.db")
				if err := os.WriteFile(demo, image, 0o600); err != nil {
					t.Fatal(err)
				}
			}, func() {
				if got := contentOf(t, demo); got != other && got != c.production {
					t.Error("the database is neither the old one nor the new one")
				}
			})
		})
	}
}

// TestRestoreKilledMissing kills restores to where nothing is: then there is
// nothing, or the database.
func TestRestoreKilledMissing(t *testing.T) {
	t.Parallel()
	c := newClinic(t, seedOf(t), dbtest.Options{WAL: true}, "")
	c.killed(func() { c.remove("demo.db") }, func() {
		if _, err := os.Stat(c.path("demo.db")); err == nil && contentOf(t, c.path("demo.db")) != c.production {
			t.Error("the database is not that of the snapshot")
		}
	})
}

// TestRestoreKilledKept kills restores over a file that is no database: it is never
// lost, and what stands in its place is the database.
func TestRestoreKilledKept(t *testing.T) {
	t.Parallel()
	c := newClinic(t, seedOf(t), dbtest.Options{}, "")
	junk, demo := bytes.Repeat([]byte("junk"), 500), c.path("demo.db")
	c.killed(func() {
		c.remove("demo.db")
		if err := os.WriteFile(demo, junk, 0o600); err != nil {
			t.Fatal(err)
		}
	}, func() {
		kept, err := filepath.Glob(demo + ".before-restore-*")
		if err != nil {
			t.Fatal(err)
		}
		now, err := os.ReadFile(demo)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(now, junk) {
			return
		}
		if len(kept) != 1 {
			t.Fatalf("the old file was kept as %v", kept)
		}
		if old, err := os.ReadFile(kept[0]); err != nil || !bytes.Equal(old, junk) {
			t.Errorf("the old file: got %d other bytes, %v", len(old), err)
		}
		if contentOf(t, demo) != c.production {
			t.Error("the database is not that of the snapshot")
		}
	})
}

// TestRestoreKilledScrubbed kills clones: what they replace is never a database
// that was not scrubbed.
func TestRestoreKilledScrubbed(t *testing.T) {
	t.Parallel()
	c := newClinic(t, seedOf(t), dbtest.Options{WAL: true}, "scrub = \"scrub.sql\"\n")
	if err := os.WriteFile(c.path("scrub.sql"), []byte("UPDATE users SET email = 'user' || id;"), 0o600); err != nil {
		t.Fatal(err)
	}
	demo := c.path("demo.db")
	dbtest.Create(t, demo, dbtest.Options{WAL: true, Seed: 7})
	old := contentOf(t, demo)
	c.killed(func() {}, func() {
		if got := contentOf(t, demo); got != old && strings.Contains(got, "@") {
			t.Error("the database holds addresses that the scrubbing removes")
		}
	})
}

// TestRestoreWritten restores a snapshot that was found sound, again and again, into a
// near copy to which another process writes as fast as it can: what that commits between
// the save and the lock must be replaced, too.
func TestRestoreWritten(t *testing.T) {
	t.Parallel()
	for n, wal := range []bool{true, false} {
		t.Run(fmt.Sprintf("wal=%v", wal), func(t *testing.T) {
			t.Parallel()
			c := newClinic(t, seedOf(t)+uint64(n), dbtest.Options{WAL: wal, Rows: 10_000}, "")
			restore := []string{"restore", "demo", "--from", "production", "--snapshot", "latest", "--yes"}
			c.must(restore...)
			for round := range uint64(5) {
				writer := dbtest.StartWriter(t, c.path("demo.db"), round)
				c.must(restore...)
				dbtest.Integrity(t, c.path("demo.db"))
				dbtest.CheckInvariant(t, c.path("demo.db"))
				writer.Kill()
			}
			c.must(restore...)
			if contentOf(t, c.path("demo.db")) != c.production {
				t.Error("the database is not that of the snapshot")
			}
		})
	}
}

// TestRestoreRepairs restores over a page that was overwritten in the file of a database in
// use, past SQLite: no WAL tells of that.
func TestRestoreRepairs(t *testing.T) {
	t.Parallel()
	c := newClinic(t, seedOf(t), dbtest.Options{WAL: true, Rows: 10_000}, "")
	restore := []string{"restore", "demo", "--from", "production", "--snapshot", "latest", "--yes"}
	c.must(restore...)
	app := dbtest.Open(t, c.path("demo.db"))
	defer app.Close()
	dbtest.Exec(t, app, "CREATE TABLE written(a)")
	dbtest.Exec(t, app, "PRAGMA wal_checkpoint")
	c.must("backup", "demo")
	f, err := os.OpenFile(c.path("demo.db"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil {
		_, err = f.WriteAt(make([]byte, 4096), info.Size()/2/4096*4096)
	}
	if err != nil {
		t.Fatal(err)
	}
	c.must(restore...)
	if contentOf(t, c.path("demo.db")) != c.production {
		t.Error("the database is not that of the snapshot")
	}
}
