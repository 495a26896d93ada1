package sqlite_test

import (
	"errors"
	"testing"
	"time"

	"firn/internal/dbtest"
	"firn/sqlite"
)

// TestRestoreWaitsForLock has an application keep its database locked, in each way. A restore gives up after its
// timeout, and not before, at any of its steps.
func TestRestoreWaitsForLock(t *testing.T) {
	t.Parallel()
	const patience = 300 * time.Millisecond
	for _, begin := range []string{"BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"} {
		t.Run(begin, func(t *testing.T) {
			t.Parallel()
			path := newDB(t, dbtest.Options{})
			staged := writeFile(t, "", readFile(t, path))
			db := dbtest.Open(t, path)
			db.SetMaxOpenConns(1)
			if _, err := db.Exec(begin); err != nil {
				t.Fatal(err)
			}
			from := time.Now()
			_, err := sqlite.Restore(t.Context(), path, staged, sqlite.RestoreOptions{BusyTimeout: patience})
			if !errors.Is(err, sqlite.ErrBusy) {
				t.Fatalf("got %v, want ErrBusy", err)
			}
			if waited := time.Since(from); waited < patience {
				t.Errorf("it waited for %v, want %v", waited, patience)
			}
		})
	}
}
