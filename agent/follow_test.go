package agent_test

import (
	"context"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"firn/agent"
	"firn/internal/dbtest"
	"firn/internal/sessiontest"
	"firn/pull"
	"firn/repo"
	"firn/sqlite"
)

// followed is a database that a puller follows.
type followed struct {
	*pulled
	follower *pull.Follower
}

func newFollowed(t testing.TB, o dbtest.Options, hold bool) *followed {
	t.Helper()
	p := newPulled(t, o)
	f := &followed{p, p.host.Follower(p.path, hold)}
	t.Cleanup(func() {
		if err := f.follower.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// look asks whether the database has changed.
func (f *followed) look(t testing.TB) bool {
	t.Helper()
	changed, err := f.follower.Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

// store backs the database up, and tells the image if that is wanted.
func (f *followed) store(t testing.TB, tell bool) *repo.BackupResult {
	t.Helper()
	f.Clock = f.Clock.Add(time.Minute)
	var last repo.SourceImage
	source := f.follower.Source(sqlite.Options{StatePath: f.state})
	result := backUp(t, f.Fixture, f.path, func(ctx context.Context) (image repo.SourceImage, err error) {
		last, err = source(ctx)
		return last, err
	}, repo.BackupOptions{})
	if tell {
		last.(interface{ Stored() }).Stored()
	}
	return result
}

// TestFollow follows a database through changes, checkpoints, a lost connection, and a release. Only what has changed is sent.
func TestFollow(t *testing.T) {
	t.Parallel()
	for _, hold := range []bool{true, false} {
		f := newFollowed(t, dbtest.Options{WAL: true}, hold)
		app := dbtest.Open(t, f.path)
		defer app.Close()
		dbtest.Exec(t, app, fillBig())
		if !f.look(t) {
			t.Errorf("hold=%t: a database that was never stored has not changed", hold)
		}
		size := f.store(t, true).Snapshot.Image().Size
		f.received()
		step := func(what string, most int64, statements ...string) {
			for _, s := range statements {
				dbtest.Exec(t, app, s)
			}
			if changed := f.look(t); changed != (len(statements) > 0) {
				t.Errorf("hold=%t: %s: changed: got %t, want %t", hold, what, changed, len(statements) > 0)
			}
			if len(statements) > 0 {
				f.store(t, true)
			}
			if n := f.received(); n > most {
				t.Errorf("hold=%t: %s: %d bytes were received, want %d at most", hold, what, n, most)
			}
		}
		const change = "UPDATE big SET b = randomblob(1000) WHERE a % 500 = 7"
		step("nothing", 2000)
		step("a change", 100_000, change)
		step("nothing again", 2000)
		step("a change after a change", 100_000, change)
		few := int64(100_000)
		if !hold {
			few = size / 8 // the hashes
		}
		step("a change across a checkpoint", few, change, "PRAGMA wal_checkpoint(TRUNCATE)", change)
		f.line.cut()
		step("a change after a lost connection", size/8, change)
		step("nothing after that", 2000)
		if err := f.follower.Release(); err != nil {
			t.Error(err)
		}
		step("a change after the release", size/8, change)
		f.follower.Hold()
		step("a change after the hold", size/8, change)
		step("another one", 100_000, change)
	}
}

// TestFollowUntold takes images of a followed database that are never stored, or of which the agent is not told. The next image
// has their changes all the same.
func TestFollowUntold(t *testing.T) {
	t.Parallel()
	f := newFollowed(t, dbtest.Options{WAL: true}, true)
	app := dbtest.Open(t, f.path)
	defer app.Close()
	dbtest.Exec(t, app, fillBig())
	f.look(t)
	f.store(t, true)
	for n := range 6 {
		dbtest.Exec(t, app, "UPDATE big SET b = randomblob(1000) WHERE a % 500 = ?", n)
		if !f.look(t) {
			t.Error("a change was not seen")
		}
		switch n % 3 {
		case 0: // an image that is given up
			source := f.follower.Source(sqlite.Options{StatePath: f.state})
			image, err := source(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := image.Read(make([]byte, 5000)); err != nil {
				t.Error(err)
			}
			if err := image.Close(); err != nil {
				t.Error(err)
			}
		case 1:
			f.store(t, false)
		case 2:
			f.store(t, true)
		}
	}
	if f.look(t) {
		t.Error("a stored database has changed")
	}
}

// TestFollowOfDamagedChunk damages the repository's bytes of a followed database. A round may fail, and the next one
// reads all pages. To heal the repository is check's matter.
func TestFollowOfDamagedChunk(t *testing.T) {
	t.Parallel()
	f := newFollowed(t, dbtest.Options{WAL: true}, true)
	app := dbtest.Open(t, f.path)
	defer app.Close()
	dbtest.Exec(t, app, fillBig())
	f.look(t)
	f.store(t, true)
	f.DamagePack(t)
	dbtest.Exec(t, app, "UPDATE big SET b = randomblob(1000) WHERE a % 50 = 7")
	source := func() repo.Source { return f.follower.Source(sqlite.Options{StatePath: f.state}) } // a new one for each round
	_, first := f.Session.Repo.Backup(t.Context(), source(), repo.BackupOptions{Environment: "production", Database: "app"})
	if first == nil {
		t.Skip("nothing of the damaged pack was needed")
	}
	if _, err := f.Session.Repo.Backup(t.Context(), source(), repo.BackupOptions{Environment: "production", Database: "app"}); err != nil {
		t.Errorf("the round after %v: %v", first, err)
	}
}

// TestManyLooks looks at one database ten thousand times, and at databases that are not allowed or not there.
func TestManyLooks(t *testing.T) {
	t.Parallel()
	slow(t)
	f := newFollowed(t, dbtest.Options{WAL: true}, true)
	f.look(t)
	f.store(t, true)
	f.received()
	const looks = 10_000
	group := make(chan struct{}, 16)
	var changed atomic.Int64
	for range looks {
		group <- struct{}{}
		go func() {
			defer func() { <-group }()
			if c, err := f.follower.Look(t.Context()); err != nil || c {
				changed.Add(1)
			}
		}()
	}
	for range cap(group) {
		group <- struct{}{}
	}
	if n := changed.Load(); n > 0 {
		t.Errorf("%d looks saw a change, or failed", n)
	}
	if each := f.received() / looks; each > 500 {
		t.Errorf("each look took %d bytes", each)
	}
}

// TestRoundOfMany takes a round of more databases of one host than it answers requests at once.
func TestRoundOfMany(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	fixture := sessiontest.New(t, "")
	host, _ := start(t, agent.Options{Allow: []string{filepath.Join(dir, "*.db")}})
	var members []repo.RoundMember
	for n := range 60 {
		path := filepath.Join(dir, string(rune('A'+n))+".db")
		exec(t, path, "PRAGMA synchronous = OFF; CREATE TABLE t(a)")
		follower := host.Follower(path, false)
		if _, err := follower.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
		members = append(members, repo.RoundMember{
			Source: follower.Source(sqlite.Options{}), Options: repo.BackupOptions{Environment: path, Database: "app"},
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Second)
	defer cancel()
	rounds, err := fixture.Session.Repo.NewRounds(ctx)
	if err != nil {
		t.Fatal(err)
	}
	result, err := rounds.Take(ctx, members)
	if err != nil {
		t.Fatal(err)
	}
	for n, m := range result.Members {
		if m.Err != nil {
			t.Errorf("database %d: %v", n, m.Err)
		}
	}
}

// TestStoredAfterReading follows a database of another host: it has changed until its image is stored, and after each commit.
func TestStoredAfterReading(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	path := filepath.Join(t.TempDir(), "app.db")
	dbtest.Create(t, path, dbtest.Options{WAL: true})
	app := dbtest.Open(t, path)
	defer app.Close()
	dbtest.Exec(t, app, "UPDATE ledger_a SET amount = amount + 1; UPDATE ledger_b SET amount = amount + 1")
	h, _ := start(t, agent.Options{AllowAll: true, CacheDir: t.TempDir()})
	follower := h.Follower(path, true)
	looked := func(want bool) {
		t.Helper()
		if got, err := follower.Look(t.Context()); err != nil || got != want {
			t.Errorf("look: got %t, %v, want %t; %+v", got, err, want, follower.State())
		}
	}
	take := func() {
		t.Helper()
		var last repo.SourceImage
		var cancels []context.CancelFunc
		source := follower.Source(sqlite.Options{StatePath: filepath.Join(t.TempDir(), "state")})
		ended := func(ctx context.Context) (repo.SourceImage, error) { // as in a round, where an image is stored after its reading
			ctx, cancel := context.WithCancel(ctx)
			t.Cleanup(cancel)
			cancels = append(cancels, cancel)
			return source(ctx)
		}
		backUp(t, f, path, keep(ended, &last), repo.BackupOptions{})
		for _, cancel := range cancels {
			cancel()
		}
		last.(interface{ Stored() }).Stored()
	}
	looked(true)
	take()
	looked(false)
	for range 3 {
		app := dbtest.Open(t, path)
		dbtest.Exec(t, app, "UPDATE ledger_a SET amount = amount + 1; UPDATE ledger_b SET amount = amount + 1")
		app.Close()
		looked(true)
		take()
		looked(false)
	}
}
