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

// clinic is a host on which the restore of a snapshot of production into demo is killed
// again and again.
type clinic struct {
	*machine
	production string // the content after a restore
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

// contentOf returns the rows of a database as a text. It fails the test if the database is
// not sound.
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

// killed runs a restore with these arguments many times, and kills it at random moments.
// Before each restore it calls prepare, which resets the target. After each it calls check,
// which examines the files that are left.
func (c *clinic) killed(prepare, check func(), args ...string) {
	c.Helper()
	times := 20
	if testing.Short() {
		times = 2
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

// checkStarted fails the test unless the application was started after each stop. The
// process that starts it has ended by then, because it held the test's pipes open.
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

// remove removes a database and all files that belong to it.
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

// TestRestoreKilled kills restores into an existing database. Afterwards it must be either
// the old or the new database, whole.
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

// TestRestoreKilledMissing kills restores into a missing file. Afterwards the file must be
// missing, or be the whole database.
func TestRestoreKilledMissing(t *testing.T) {
	t.Parallel()
	c := newClinic(t, seedOf(t), dbtest.Options{WAL: true}, "")
	c.killed(func() { c.remove("demo.db") }, func() {
		if _, err := os.Stat(c.path("demo.db")); err == nil && contentOf(t, c.path("demo.db")) != c.production {
			t.Error("the database is not that of the snapshot")
		}
	})
}

// TestRestoreKilledKept kills restores over a file that is not a database. The file must
// never be lost, and a file in its place must be the whole database.
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

// TestRestoreKilledScrubbed kills clones. The target must never hold a database that was
// not scrubbed.
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
// target that serves as a seed, while another process writes to it as fast as it can. The
// restore must also replace the rows that this process commits between the save and the
// lock.
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

// TestRestoreRepairs restores over a database in use, in whose file a page was overwritten
// without SQLite. No WAL shows that change.
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
