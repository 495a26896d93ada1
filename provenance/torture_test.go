package provenance_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"firn/internal/dbtest"
	"firn/repo"
	"firn/snapshot"
)

var (
	histories = flag.Int("histories", 6, "number of random histories")
	seeded    = flag.Uint64("seed", 0, "seed of the first history; 0 means a random one")
)

// TestNoFalseAlarm has several processes write to databases in all ways, with checkpoints of all kinds, VACUUM and kills, and takes
// rounds and backups meanwhile, many of which read all pages. Only SQLite writes, so no snapshot may be suspect. By hand:
//
//	go test ./provenance -run TestNoFalseAlarm -histories 500 -timeout 1h -v
func TestNoFalseAlarm(t *testing.T) {
	t.Parallel()
	base := *seeded
	if base == 0 {
		base = rand.Uint64()
	}
	steps := 40
	if testing.Short() {
		steps = 15
	}
	var images, traced atomic.Int64
	t.Cleanup(func() {
		t.Logf("%d histories with seeds from %d: %d images, of %d of which the writes of SQLite were known", *histories, base, images.Load(), traced.Load())
		if traced.Load() == 0 {
			t.Error("of no image were the writes of SQLite known: this proves nothing")
		}
	})
	for n := range uint64(*histories) {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			h := newHistory(t, base+n)
			defer h.peek(t)()
			for range steps {
				h.step(t)
			}
			images.Add(int64(h.images))
			traced.Add(int64(h.traced.Load()))
		})
	}
}

// history is a database to which SQLite writes in all ways.
type history struct {
	*database
	r       *rand.Rand
	seed    uint64
	writers []*dbtest.Writer
	watched bool // its snapshots are those of rounds
	modes   bool // the application leaves WAL mode now and then
	images  int
}

func newHistory(t *testing.T, seed uint64) *history {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 7))
	hold := r.IntN(4) > 0
	d := follow(t, "busy.db", hold)
	d.app.Close()
	dbtest.Create(t, d.path, dbtest.Options{
		PageSize: 512 << r.IntN(5), WAL: true, AutoVacuum: r.IntN(3), Rows: 50 + r.IntN(1000), Seed: seed,
	})
	d.open(t)
	dbtest.Exec(t, d.app, fmt.Sprintf("PRAGMA synchronous = OFF; PRAGMA cache_size = 20; PRAGMA wal_autocheckpoint = %d; PRAGMA journal_size_limit = %d",
		[]int{0, 20, 200, 1000}[r.IntN(4)], []int{-1, 0, 50000}[r.IntN(3)]))
	return &history{database: d, r: r, seed: seed, watched: r.IntN(3) > 0, modes: !hold && r.IntN(2) == 0}
}

// peek has the follower look at the WAL all the time, as a watch does, until the returned function is called.
func (h *history) peek(t *testing.T) (stop func()) {
	end := make(chan struct{})
	var peeking sync.WaitGroup
	peeking.Go(func() {
		ticks := time.NewTicker(2 * time.Millisecond)
		defer ticks.Stop()
		for {
			select {
			case <-ticks.C:
				if err := h.follower.Peek(); err != nil {
					t.Error(err)
				}
			case <-end:
				return
			}
		}
	})
	return func() { close(end); peeking.Wait() }
}

// step changes the database, and takes a snapshot.
func (h *history) step(t *testing.T) {
	t.Helper()
	switch h.r.IntN(8) {
	case 0:
		if len(h.writers) < 2 {
			h.writers = append(h.writers, dbtest.StartWriter(t, h.path, h.r.Uint64()))
		}
	case 1:
		if len(h.writers) > 0 {
			h.writers[0].Kill()
			h.writers = h.writers[1:]
		}
	case 2:
		h.app.Close()
		h.open(t)
	}
	for range h.r.IntN(4) {
		h.write()
	}
	h.images++
	if s := h.take(t); len(s.Suspect) > 0 {
		t.Errorf("seed %d, image %d: a false alarm: %q", h.seed, h.images, s.Suspect)
	}
}

// write executes a statement. It fails where another process keeps it waiting for too long, which changes nothing.
func (h *history) write() {
	statements := []string{
		"UPDATE posts SET body = body || 'x' WHERE id = abs(random()) % 200",
		"UPDATE posts SET body = hex(randomblob(9000)) WHERE id = abs(random()) % 200",
		"DELETE FROM posts WHERE id > (SELECT max(id) - 60 FROM posts)",
		"INSERT INTO posts (author, slug, body) SELECT 1, hex(randomblob(6)), hex(randomblob(700)) FROM posts LIMIT 30",
		"INSERT INTO sessions SELECT hex(randomblob(12)), 1, randomblob(60) FROM posts LIMIT 20",
		"DELETE FROM sessions WHERE token < hex(randomblob(1))",
		"BEGIN; UPDATE posts SET body = hex(randomblob(600)); ROLLBACK", // spills into the WAL
		"BEGIN; DELETE FROM posts; SAVEPOINT s; INSERT INTO sessions SELECT hex(randomblob(900)), 1, 1; ROLLBACK TO s; COMMIT",
		"CREATE TABLE IF NOT EXISTS more (a UNIQUE); INSERT OR IGNORE INTO more SELECT slug FROM posts LIMIT 50",
		"DROP TABLE IF EXISTS more",
		"VACUUM",
		"PRAGMA incremental_vacuum(20)",
		"PRAGMA wal_checkpoint(PASSIVE)",
		"PRAGMA wal_checkpoint(FULL)",
		"PRAGMA wal_checkpoint(RESTART)",
		"PRAGMA wal_checkpoint(TRUNCATE)",
		"PRAGMA user_version = 7",
	}
	if h.modes {
		statements = append(statements, "PRAGMA journal_mode = DELETE", "PRAGMA journal_mode = WAL")
	}
	_, _ = h.app.Exec("PRAGMA busy_timeout = 100")
	if _, err := h.app.Exec(statements[h.r.IntN(len(statements))]); err != nil {
		_, _ = h.app.Exec("ROLLBACK")
	}
}

// take takes a snapshot in one of the ways, of which many read all pages.
func (h *history) take(t *testing.T) *snapshot.Snapshot {
	t.Helper()
	after := []time.Duration{time.Second, time.Minute, day}[h.r.IntN(3)]
	if h.watched {
		return h.round(t, after)
	}
	return h.backup(t, after, repo.BackupOptions{ForceScan: h.r.IntN(3) == 0})
}
