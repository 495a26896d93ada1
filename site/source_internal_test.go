package site

import (
	"bytes"
	"context"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"firn/crypt"
	"firn/internal/dbtest"
	"firn/repo"
	"firn/sqlite"
	"firn/store/mem"
	"firn/store/storetest"
)

// readOf is an image that records whether it was read.
type readOf struct {
	*image
	reading *atomic.Bool
}

func (i *readOf) Read(p []byte) (int, error) {
	i.reading.Store(true)
	return i.image.Read(p)
}

// TestCheckpointWhileStoreWaits uses a store whose first call, once the image is being read, waits
// until the application has checkpointed its whole WAL. The checkpoint may have to wait for the end
// of the read transaction, but never for the store.
func TestCheckpointWhileStoreWaits(t *testing.T) {
	t.Parallel()
	for name, sparse := range map[string]bool{"Whole": false, "Sparse": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "app.db")
			app := dbtest.Open(t, path)
			defer app.Close()
			app.SetMaxOpenConns(1)
			dbtest.Exec(t, app, `PRAGMA busy_timeout = 60000; PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; CREATE TABLE t (id INTEGER PRIMARY KEY, a);
				WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 3000) INSERT INTO t SELECT i, randomblob(3000) FROM c;
				PRAGMA wal_checkpoint(TRUNCATE); PRAGMA wal_autocheckpoint = 0; UPDATE t SET a = randomblob(3000) WHERE id = 1`)

			var reading atomic.Bool
			var once sync.Once
			checkpoint := func() {
				var busy, frames, done int
				err := app.QueryRow("PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &done)
				if err != nil || busy != 0 {
					t.Errorf("checkpoint: busy=%d, %v: the store holds the application up", busy, err)
				}
			}
			st := storetest.NewHooked(mem.New(), func(string, string) {
				if reading.Load() {
					once.Do(checkpoint)
				}
			})
			key := crypt.NewKeyFile().Credential()
			r, err := repo.Init(t.Context(), repo.Options{Store: st, Credential: key, TempDir: t.TempDir()}, repo.NewKey{Credential: key})
			if err != nil {
				t.Fatal(err)
			}
			opts := sqlite.Options{Now: func() time.Time { return time.Now().Add(time.Minute) }}
			if sparse {
				opts.StatePath = filepath.Join(t.TempDir(), "census")
			}
			what := repo.BackupOptions{Environment: "production", Database: "app"}
			if _, err := r.Backup(t.Context(), Source(path, opts), what); err != nil {
				t.Fatal(err)
			}
			dbtest.Exec(t, app, "UPDATE t SET a = randomblob(3000) WHERE id % 50 = 0")
			result, err := r.Backup(t.Context(), func(ctx context.Context) (repo.SourceImage, error) {
				i, err := Source(path, opts)(ctx)
				if err != nil {
					return nil, err
				}
				return &readOf{i.(*image), &reading}, nil
			}, what)
			if err != nil {
				t.Fatal(err)
			}
			if got := result.Scanned < result.Snapshot.Image().Size; got != sparse {
				t.Errorf("read %d of %d bytes", result.Scanned, result.Snapshot.Image().Size)
			}
			compareWithFile(t, r, result, path)
		})
	}
}

// compareWithFile compares a snapshot with a database that has an empty WAL.
func compareWithFile(t *testing.T, r *repo.Repo, result *repo.BackupResult, path string) {
	t.Helper()
	reader, err := r.OpenImage(t.Context(), result.Snapshot)
	if err != nil {
		t.Fatal(err)
	}
	var got, want bytes.Buffer
	if err := reader.Copy(t.Context(), &got); err != nil {
		t.Fatal(err)
	}
	now, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer now.Close()
	if _, err := want.ReadFrom(now); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want.Bytes()) {
		t.Error("the snapshot differs from the database")
	}
}

// TestStreamHoldsNothingUp checks that a database from standard input is not treated as live. Its
// private file can be read for as long as the store takes, because no application waits for it, and
// spooling its pages would take room twice.
func TestStreamHoldsNothingUp(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "app.db")
	dbtest.Create(t, path, dbtest.Options{WAL: true})
	for name, source := range map[string]repo.Source{"Stream": StreamSource(path, "a stream"), "Database": Source(path, sqlite.Options{})} {
		i, err := source(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		live, ok := i.(repo.LiveImage)
		if got := ok && live.Live(); got != (name == "Database") {
			t.Errorf("%s: live is %v", name, got)
		}
		if err := i.Close(); err != nil {
			t.Error(err)
		}
	}
}
