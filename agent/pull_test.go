package agent_test

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"firn/agent"
	"firn/internal/dbtest"
	"firn/internal/sessiontest"
	"firn/pull"
	"firn/repo"
	"firn/sqlite"
)

// pulled is a database of another host, a host that leads there, and a repository for it.
type pulled struct {
	*sessiontest.Fixture
	host   *pull.Host
	line   *line
	path   string
	state  string // the puller's file
	source repo.Source
	seen   int64
}

func newPulled(t testing.TB, o dbtest.Options) *pulled {
	t.Helper()
	p := &pulled{Fixture: sessiontest.New(t, ""), state: filepath.Join(t.TempDir(), "state")}
	var allow []string
	p.path, allow = database(t, o)
	p.host, p.line = start(t, agent.Options{Allow: allow, CacheDir: t.TempDir()})
	p.source = p.host.Source(p.path, sqlite.Options{StatePath: p.state})
	return p
}

// pull backs the database up, a minute after the backup before.
func (p *pulled) pull(t testing.TB) *repo.BackupResult {
	t.Helper()
	p.Clock = p.Clock.Add(time.Minute)
	return backUp(t, p.Fixture, p.path, p.source, repo.BackupOptions{})
}

// received returns the number of bytes that came since the last call.
func (p *pulled) received() int64 {
	before := p.seen
	p.seen = p.line.received.Load()
	return p.seen - before
}

// TestPullOfChanges pulls a database after changes of all kinds. Each snapshot is the database.
func TestPullOfChanges(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]dbtest.Options{
		"WAL": {WAL: true}, "Rollback": {}, "AutoVacuum": {WAL: true, AutoVacuum: 1}, "SmallPages": {WAL: true, PageSize: 512}, "LargePages": {PageSize: 65536},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name != "WAL" && name != "Rollback" {
				slow(t)
			}
			p := newPulled(t, o)
			app := dbtest.Open(t, p.path)
			defer func() { app.Close() }()
			dbtest.Exec(t, app, fillBig())
			p.pull(t)
			for _, change := range []string{
				"DELETE FROM big WHERE a > 2000", "PRAGMA incremental_vacuum", "VACUUM", "UPDATE big SET b = randomblob(990) WHERE a % 100 = 3", "CREATE TABLE more(a)",
				"INSERT INTO more SELECT randomblob(5000) FROM big", "DROP TABLE big; VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)", "DELETE FROM more", "VACUUM",
			} {
				dbtest.Exec(t, app, change)
				p.pull(t)
			}
			p.pull(t)
			app.Close()
			exec(t, p.path, "PRAGMA journal_mode = DELETE; PRAGMA page_size = 2048; VACUUM")
			p.pull(t)
			app = dbtest.Open(t, p.path)
			dbtest.Exec(t, app, "PRAGMA journal_mode = WAL")
			p.pull(t)
			app.Close()
			other := filepath.Join(t.TempDir(), "other.db")
			dbtest.Create(t, other, dbtest.Options{Seed: 9, WAL: true})
			if err := os.Rename(other, p.path); err != nil {
				t.Fatal(err)
			}
			p.pull(t)
			app = dbtest.Open(t, p.path)
			p.pull(t)
		})
	}
}

// TestPullOfRandomChanges pulls a database between the changes of a random workload.
func TestPullOfRandomChanges(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	for _, wal := range []bool{true, false} {
		p := newPulled(t, dbtest.Options{WAL: wal, Rows: 400})
		app := dbtest.Open(t, p.path)
		defer app.Close()
		for range 10 {
			dbtest.Mutate(t, p.path, r.Uint64(), 1+r.IntN(20))
			if r.IntN(4) == 0 {
				dbtest.Exec(t, app, "PRAGMA wal_checkpoint(TRUNCATE)")
			}
			if r.IntN(4) == 0 {
				if err := os.Remove(p.state + ".pages"); err != nil && !errors.Is(err, fs.ErrNotExist) {
					t.Error(err)
				}
			}
			p.pull(t)
		}
	}
}

// TestPullOfLarge pulls a database with a rollback journal that is too large for the memory: the agent copies it.
func TestPullOfLarge(t *testing.T) {
	t.Parallel()
	slow(t)
	p := newPulled(t, dbtest.Options{})
	exec(t, p.path, "PRAGMA synchronous = OFF; CREATE TABLE large(a, b); INSERT INTO large SELECT value, randomblob(8000) FROM json_each('['||trim(replace(hex(zeroblob(2500)),'00','1,'),',')||',1]')")
	exec(t, p.path, "INSERT INTO large SELECT a, randomblob(8000) FROM large")
	size := int64(len(imageOf(t, p.path)))
	if size < 36<<20 {
		t.Fatalf("the database has only %d bytes", size)
	}
	p.pull(t)
	p.received()
	exec(t, p.path, "UPDATE large SET b = randomblob(8000) WHERE rowid % 1000 = 5")
	p.pull(t)
	if n := p.received(); n > size/50 {
		t.Errorf("%d bytes were received for 15 pages", n)
	}
}

// TestPullCompact pulls a compact copy of a database.
func TestPullCompact(t *testing.T) {
	t.Parallel()
	p := newPulled(t, dbtest.Options{WAL: true})
	exec(t, p.path, "DELETE FROM posts")
	source := p.host.Source(p.path, sqlite.Options{StatePath: p.state, Compact: true})
	for range 3 {
		result, err := p.Session.Repo.Backup(t.Context(), source, repo.BackupOptions{Environment: "production", Database: "app"})
		if err != nil {
			t.Fatal(err)
		}
		if got := result.Snapshot.Image(); got.Export != "compact" || got.Size >= int64(len(imageOf(t, p.path))) {
			t.Errorf("got export %q of %d bytes", got.Export, got.Size)
		}
		exec(t, p.path, "INSERT INTO ledger_a VALUES (NULL, 3)")
	}
	p.pull(t) // and all pages again
}

// TestPullAfterADay pulls an unchanged database when its last comparison is more than a day ago: all pages are compared, and
// hardly any bytes come.
func TestPullAfterADay(t *testing.T) {
	t.Parallel()
	p := newPulled(t, dbtest.Options{WAL: true})
	exec(t, p.path, fillBig())
	first := p.pull(t).Snapshot.Image()
	p.received()
	p.Clock = p.Clock.Add(25 * time.Hour)
	second := p.pull(t).Snapshot.Image()
	if n := p.received(); n > first.Size/100 {
		t.Errorf("%d bytes were received of a database that has not changed", n)
	}
	if !second.ReadAt.After(first.ReadAt) || second.Root != first.Root {
		t.Errorf("got an image read at %s, the first at %s", second.ReadAt, first.ReadAt)
	}
	p.Clock = p.Clock.Add(time.Hour)
	if third := p.pull(t).Snapshot.Image(); !third.ReadAt.Equal(second.ReadAt) {
		t.Errorf("an hour later, got an image read at %s, want %s", third.ReadAt, second.ReadAt)
	}
}

// TestPullWrittenPastSQLite changes a byte of the file past SQLite, without another time. The comparison of a day later finds it.
func TestPullWrittenPastSQLite(t *testing.T) {
	t.Parallel()
	p := newPulled(t, dbtest.Options{})
	exec(t, p.path, fillBig())
	p.pull(t)
	info, err := os.Stat(p.path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(p.path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("changed"), info.Size()-300); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Close(), os.Chtimes(p.path, info.ModTime(), info.ModTime())); err != nil {
		t.Fatal(err)
	}
	p.Clock = p.Clock.Add(25 * time.Hour)
	p.pull(t)
}

// TestPullWithBadTables pulls with files in place of the puller's table and the agent's counters that are none, or another's.
func TestPullWithBadTables(t *testing.T) {
	t.Parallel()
	p := newPulled(t, dbtest.Options{WAL: true})
	app := dbtest.Open(t, p.path) // so that the WAL stays
	defer app.Close()
	dbtest.Exec(t, app, fillBig())
	p.pull(t)
	table := p.state + ".pages"
	old, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(old)
	flipped[len(flipped)/2] ^= 1
	for name, content := range map[string][]byte{
		"Empty": {}, "Garbage": []byte("garbage"), "Truncated": old[:len(old)/2], "Flipped": flipped, "Foreign": old, "HeaderAlone": old[:len(old)%16],
	} {
		exec(t, p.path, "UPDATE big SET b = randomblob(1000) WHERE a % 500 = 7; PRAGMA wal_checkpoint(TRUNCATE)")
		if err := os.WriteFile(table, content, 0o600); err != nil {
			t.Fatal(err)
		}
		p.received()
		result := p.pull(t)
		if n := p.received(); n > result.Snapshot.Image().Size/4 {
			t.Errorf("%s: %d bytes were received for six pages", name, n)
		}
	}
	counters, err := filepath.Glob(filepath.Join(p.line.options.CacheDir, "*.census"))
	if err != nil || len(counters) != 1 {
		t.Fatalf("got the agent's files %q, %v", counters, err)
	}
	for _, content := range []string{"", "garbage"} {
		if err := os.WriteFile(counters[0], []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		exec(t, p.path, "UPDATE big SET b = randomblob(1000) WHERE a % 500 = 7")
		result := p.pull(t)
		if rows, known := result.Snapshot.Image().Rows(); !known || rows == 0 {
			t.Errorf("rows: got %d, %t", rows, known)
		}
	}
}

// TestPullOfDamagedChunk damages the repository's bytes of the last image. One run may fail, and the next one reads all pages.
func TestPullOfDamagedChunk(t *testing.T) {
	t.Parallel()
	for _, missing := range []bool{false, true} {
		p := newPulled(t, dbtest.Options{WAL: true})
		exec(t, p.path, fillBig())
		p.pull(t)
		exec(t, p.path, "UPDATE big SET b = randomblob(1000) WHERE a % 50 = 7; PRAGMA wal_checkpoint(TRUNCATE)")
		if missing {
			packs, err := filepath.Glob(p.Path("repo/packs/*/*"))
			if err != nil || len(packs) == 0 {
				t.Fatal(packs, err)
			}
			for _, pack := range packs {
				if err := os.Remove(pack); err != nil {
					t.Fatal(err)
				}
			}
		} else {
			p.DamagePack(t)
		}
		_, err := p.Session.Repo.Backup(t.Context(), p.source, repo.BackupOptions{Environment: "production", Database: "app"})
		if stored, ok := errors.AsType[*pull.StoredError](err); err != nil && !ok {
			t.Errorf("missing=%t: got %v, want %T", missing, err, stored)
		}
		t.Logf("missing=%t: %v", missing, err)
		result, err := p.Session.Repo.Backup(t.Context(), p.source, repo.BackupOptions{Environment: "production", Database: "app"})
		if err != nil {
			t.Errorf("missing=%t: the next run: %v", missing, err)
			continue
		}
		image, err := p.Session.Repo.OpenImage(t.Context(), result.Snapshot)
		if err != nil {
			t.Fatal(err)
		}
		got := new(bytes.Buffer)
		if err := image.Copy(t.Context(), got); err != nil || !bytes.Equal(got.Bytes(), imageOf(t, p.path)) {
			t.Errorf("missing=%t: the snapshot cannot be restored: %v", missing, err)
		}
	}
}

// TestTwoPullers pulls a database by two pullers with states of their own, at once and in turn.
func TestTwoPullers(t *testing.T) {
	t.Parallel()
	slow(t)
	p := newPulled(t, dbtest.Options{WAL: true})
	other := sessiontest.New(t, "")
	exec(t, p.path, fillBig())
	second := p.host.Source(p.path, sqlite.Options{StatePath: filepath.Join(t.TempDir(), "second")})
	for round := range 3 {
		exec(t, p.path, "UPDATE big SET b = randomblob(1000) WHERE a % 500 = 7")
		p.received()
		other.Clock = other.Clock.Add(time.Minute)
		var both sync.WaitGroup
		both.Go(func() { p.pull(t) })
		both.Go(func() { backUp(t, other, p.path, second, repo.BackupOptions{}) })
		both.Wait()
		if n := p.received(); round > 0 && n > 1<<20 {
			t.Errorf("round %d: %d bytes were received for twice six pages", round, n)
		}
	}
}

// TestManyImages opens more images at once than a connection has streams. All are read in the end.
func TestManyImages(t *testing.T) {
	t.Parallel()
	p := newPulled(t, dbtest.Options{WAL: true})
	want := imageOf(t, p.path)
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			image, err := p.source(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			defer image.Close()
			got := make([]byte, len(want))
			for n := 0; n < len(got); {
				k, err := image.Read(got[n:])
				if n += k; err != nil {
					t.Error(err)
					return
				}
			}
			if !bytes.Equal(got, want) {
				t.Error("an image has other bytes than the database")
			}
		})
	}
	all.Wait()
}

// TestCutPull cuts the connection after each of many numbers of bytes. The next pull just works.
func TestCutPull(t *testing.T) {
	t.Parallel()
	slow(t)
	p := newPulled(t, dbtest.Options{WAL: true})
	exec(t, p.path, fillBig())
	p.pull(t)
	failed := 0
	for n := int64(1); n < 1<<21; n += 300 + n {
		exec(t, p.path, "UPDATE big SET b = randomblob(1000) WHERE a % 50 = 7")
		p.host.Close()
		p.line.left.Store(n)
		_, err := p.Session.Repo.Backup(t.Context(), p.source, repo.BackupOptions{Environment: "production", Database: "app"})
		if err != nil {
			failed++
		}
		if err != nil && !errors.Is(err, errCut) {
			t.Errorf("after %d bytes: got %v, want %v", n, err, errCut)
		}
		p.line.left.Store(-1)
		p.pull(t)
	}
	if failed < 5 {
		t.Errorf("only %d pulls failed", failed)
	}
}
