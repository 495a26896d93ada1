package sqlite_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"testing"

	"firn/internal/dbtest"
	"firn/sqlite"
)

// countdown is a context that is cancelled when it is asked for the n-th time.
type countdown struct {
	context.Context
	left int
}

func (c *countdown) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

// TestRestoreInterrupted cancels a restore at each place where it looks at its context. The database is the old or
// the new one, in its own journal mode.
func TestRestoreInterrupted(t *testing.T) {
	t.Parallel()
	for name, pageSize := range map[string]int{"Delta": 4096, "PageSize": 8192} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := newDB(t, dbtest.Options{WAL: true, PageSize: pageSize})
			old := readImage(t, path, sqlite.Options{})
			other := newDB(t, dbtest.Options{WAL: true, Rows: 100})
			diverge(t, other, rand.New(rand.NewPCG(1, 1)))
			image := readImage(t, other, sqlite.Options{})
			for n := 0; ; n++ {
				staged := writeFile(t, "", image)
				_, err := sqlite.Restore(&countdown{t.Context(), n}, path, staged, sqlite.RestoreOptions{Offline: true})
				i := openImage(t, path, sqlite.Options{})
				if mode := i.Info().JournalMode; mode != "wal" {
					t.Fatalf("cancelled at %d (%v): journal mode is %s", n, err, mode)
				}
				now := masked(readAll(t, i))
				if err == nil {
					if !bytes.Equal(now, masked(image)) {
						t.Error("restored another database")
					}
					return
				}
				if !bytes.Equal(now, masked(old)) && !bytes.Equal(now, masked(image)) {
					t.Fatalf("cancelled at %d (%v): the database is neither the old one nor the new one", n, err)
				}
			}
		})
	}
}
