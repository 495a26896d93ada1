package agent_test

import (
	"context"
	"path/filepath"
	"testing"

	"firn/agent"
	"firn/internal/dbtest"
	"firn/internal/sessiontest"
	"firn/repo"
	"firn/sqlite"
)

// TestFollow follows a database of another host: it has changed until its image is stored, and after each commit.
func TestFollow(t *testing.T) {
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
