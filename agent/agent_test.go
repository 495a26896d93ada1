package agent_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"firn/agent"
	"firn/internal/dbtest"
	"firn/internal/sessiontest"
	"firn/repo"
	"firn/sqlite"
)

// backUp takes a snapshot of what a source delivers, and compares it with the database.
func backUp(t testing.TB, f *sessiontest.Fixture, path string, source repo.Source, o repo.BackupOptions) *repo.BackupResult {
	t.Helper()
	o.Environment, o.Database = "production", "app"
	result, err := f.Session.Repo.Backup(t.Context(), source, o)
	if err != nil {
		t.Fatal(err)
	}
	got := new(bytes.Buffer)
	image, err := f.Session.Repo.OpenImage(t.Context(), result.Snapshot)
	if err != nil {
		t.Fatal(err)
	}
	if err := image.Copy(t.Context(), got); err != nil {
		t.Fatal(err)
	}
	if want := imageOf(t, path); !bytes.Equal(got.Bytes(), want) {
		t.Errorf("the snapshot has other bytes than the database: %d, want %d", got.Len(), len(want))
	}
	return result
}

// TestPull backs up a database of another host: as a whole, unchanged, appended to, after a checkpoint, without the table of its
// hashes, and by another puller.
func TestPull(t *testing.T) {
	t.Parallel()
	for _, wal := range []bool{true, false} {
		f := sessiontest.New(t, "")
		dir := t.TempDir()
		path := filepath.Join(dir, "app.db")
		dbtest.Create(t, path, dbtest.Options{WAL: wal})
		app := dbtest.Open(t, path)
		defer app.Close()
		dbtest.Exec(t, app, fillBig())
		h, c := start(t, agent.Options{Allow: []string{filepath.Join(dir, "*.db")}, CacheDir: t.TempDir()})
		state := filepath.Join(t.TempDir(), "state")
		source := h.Source(path, sqlite.Options{StatePath: state})
		var before, now int64
		spent := func() int64 {
			before, now = now, c.received.Load()
			return now - before
		}
		size := int64(len(imageOf(t, path)))

		first := backUp(t, f, path, source, repo.BackupOptions{})
		if n := spent(); n < size {
			t.Errorf("wal=%t: %d bytes were received for a first backup of %d", wal, n, size)
		}
		if rows, known := first.Snapshot.Image().Rows(); !known || rows == 0 {
			t.Errorf("wal=%t: rows: got %d, %t", wal, rows, known)
		}
		change := func() {
			dbtest.Exec(t, app, "UPDATE big SET b = randomblob(1000) WHERE a % 500 = 7")
		}
		change()
		backUp(t, f, path, source, repo.BackupOptions{})
		if n := spent(); n > size/4 {
			t.Errorf("wal=%t: %d bytes were received for six pages", wal, n)
		}
		change()
		dbtest.Exec(t, app, "PRAGMA wal_checkpoint(TRUNCATE)")
		change()
		result := backUp(t, f, path, source, repo.BackupOptions{})
		if n := spent(); n > size/4 {
			t.Errorf("wal=%t: %d bytes were received after a checkpoint", wal, n)
		}
		if rows, known := result.Snapshot.Image().Rows(); !known || rows == 0 {
			t.Errorf("wal=%t: rows: got %d, %t", wal, rows, known)
		}
		if err := os.Remove(state + ".pages"); err != nil {
			t.Error(err)
		}
		change()
		dbtest.Exec(t, app, "PRAGMA wal_checkpoint(TRUNCATE)")
		change()
		backUp(t, f, path, source, repo.BackupOptions{})
		if n := spent(); n > size/4 {
			t.Errorf("wal=%t: %d bytes were received without the table", wal, n)
		}
		change()
		backUp(t, f, path, h.Source(path, sqlite.Options{}), repo.BackupOptions{})
		if n := spent(); n > size/4 {
			t.Errorf("wal=%t: %d bytes were received by a puller without a state", wal, n)
		}
		backUp(t, f, path, source, repo.BackupOptions{ForceScan: true})
		if n := spent(); n < size {
			t.Errorf("wal=%t: %d bytes were received for a full scan of %d", wal, n, size)
		}
	}
}

// keep remembers the last image of a source.
func keep(source repo.Source, last *repo.SourceImage) repo.Source {
	return func(ctx context.Context) (repo.SourceImage, error) {
		image, err := source(ctx)
		*last = image
		return image, err
	}
}
