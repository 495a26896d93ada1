package agent_test

import (
	"bytes"
	"context"
	"io"
	"os"
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

// traffic is a connection to an agent in this process, which counts bytes.
type traffic struct {
	io.Reader
	io.WriteCloser
	sent, received atomic.Int64
}

func (c *traffic) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.received.Add(int64(n))
	return n, err
}

func (c *traffic) Write(p []byte) (int, error) {
	n, err := c.WriteCloser.Write(p)
	c.sent.Add(int64(n))
	return n, err
}

func (c *traffic) Await(_ <-chan struct{}, f func() error) error { return f() }
func (c *traffic) Explain(err error) error                       { return err }

// start runs an agent and returns a host that is connected to it.
func start(t *testing.T, o agent.Options) (*pull.Host, *traffic) {
	t.Helper()
	o.Now = time.Now
	a, err := agent.New(o)
	if err != nil {
		t.Fatal(err)
	}
	in, up, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	down, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- a.Serve(context.Background(), in, out) }()
	c := &traffic{Reader: down, WriteCloser: up}
	h := pull.NewHost("db1", "test", func() (pull.Connection, error) { return c, nil })
	t.Cleanup(func() {
		h.Close()
		if err := <-ended; err != nil {
			t.Errorf("agent: %v", err)
		}
		if err := a.Close(); err != nil {
			t.Errorf("agent: %v", err)
		}
		down.Close()
	})
	return h, c
}

// backUp takes a snapshot of what a source delivers, and compares it with the database.
func backUp(t *testing.T, f *sessiontest.Fixture, path string, source repo.Source, o repo.BackupOptions) *repo.BackupResult {
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

func imageOf(t *testing.T, path string) []byte {
	t.Helper()
	i, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer i.Close()
	b, err := io.ReadAll(i)
	if err != nil {
		t.Fatal(err)
	}
	return b
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
		dbtest.Exec(t, app, "CREATE TABLE big(a INTEGER PRIMARY KEY, b); WITH n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i<3000) INSERT INTO big SELECT i, randomblob(1000) FROM n")
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
