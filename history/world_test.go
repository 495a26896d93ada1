package history_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"firn/crypt"
	"firn/internal/dbtest"
	"firn/repo"
	"firn/snapshot"
	"firn/store"
	"firn/store/mem"
)

// world is a database, and a repository in memory with its snapshots.
type world struct {
	store     *mem.Store
	key       crypt.KeyFile
	repo      *repo.Repo
	path      string // of the database
	clock     time.Time
	snapshots []*snapshot.Snapshot // the newest first
	images    [][]byte             // the oldest first
}

// newWorld makes a repository with chunks so small that a page has several.
func newWorld(t testing.TB, sizes repo.ChunkSizes) *world {
	t.Helper()
	w := &world{store: mem.New(), key: crypt.NewKeyFile(), path: filepath.Join(t.TempDir(), "app.db")}
	w.begin()
	var err error
	options := repo.Options{Store: w.store, Credential: w.key.Credential(), Now: func() time.Time { return w.clock }, ChunkSizes: sizes}
	if w.repo, err = repo.Init(t.Context(), options, repo.NewKey{Credential: options.Credential}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.repo.Close() })
	return w
}

// small are chunks of which a small database has many.
func small() repo.ChunkSizes { return repo.ChunkSizes{Min: 512, Max: 4096, AverageBits: 9} }

// begin forgets the snapshots and the database, as if there had been none.
func (w *world) begin() {
	os.Remove(w.path)
	w.clock = time.Date(2026, 3, 15, 3, 0, 0, 0, time.UTC)
	w.snapshots, w.images = nil, nil
}

// exec changes the database.
func (w *world) exec(t testing.TB, statements ...string) {
	t.Helper()
	db := dbtest.Open(t, w.path)
	defer db.Close()
	for _, s := range append([]string{"PRAGMA synchronous = OFF"}, statements...) {
		dbtest.Exec(t, db, s)
	}
}

// open opens the repository once more, with nothing cached.
func (w *world) open(t testing.TB, st store.Store) *repo.Repo {
	t.Helper()
	r, err := repo.Open(t.Context(), repo.Options{Store: st, Credential: w.key.Credential(), Now: func() time.Time { return w.clock }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// take takes a snapshot of the database in an environment.
func (w *world) take(t testing.TB, environment string) *snapshot.Snapshot {
	t.Helper()
	b, err := os.ReadFile(w.path)
	if err != nil {
		t.Fatal(err)
	}
	return w.takeBytes(t, environment, b)
}

func (w *world) takeBytes(t testing.TB, environment string, b []byte) *snapshot.Snapshot {
	t.Helper()
	w.clock = w.clock.Add(time.Minute)
	source := func(context.Context) (repo.SourceImage, error) { return content{bytes.NewReader(b)}, nil }
	result, err := w.repo.Backup(t.Context(), source, repo.BackupOptions{Environment: environment, Database: "app"})
	if err != nil {
		t.Fatal(err)
	}
	w.snapshots = slices.Insert(w.snapshots, 0, result.Snapshot)
	w.images = append(w.images, b)
	return result.Snapshot
}

// content is the image of a file.
type content struct{ io.Reader }

func (content) Close() error                   { return nil }
func (content) Describe() snapshot.Image       { return snapshot.Image{} }
func (content) Unchanged(json.RawMessage) bool { return false }

// restored opens a snapshot as a file, by its place from the oldest on.
func (w *world) restored(t testing.TB, place int) *restored {
	t.Helper()
	path := filepath.Join(t.TempDir(), "restored.db")
	if err := os.WriteFile(path, w.images[place], 0o600); err != nil {
		t.Fatal(err)
	}
	db := dbtest.Open(t, path)
	t.Cleanup(func() { db.Close() })
	return &restored{db, make(map[string][]string)}
}

// place returns the place of a snapshot from the oldest on, -1 for none.
func (w *world) place(s *snapshot.Snapshot) int {
	if s == nil {
		return -1
	}
	i := slices.IndexFunc(w.snapshots, func(o *snapshot.Snapshot) bool { return o.ID == s.ID })
	return len(w.snapshots) - 1 - i
}
