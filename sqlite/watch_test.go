package sqlite_test

import (
	"database/sql"
	"maps"
	"path/filepath"
	"testing"
	"time"

	"firn/internal/dbtest"
	"firn/sqlite"
)

// TestWatch changes a database in ways that a watch must notice, and in ways that it need not.
func TestWatch(t *testing.T) {
	t.Parallel()
	exec := func(statement string) func(t *testing.T, path string, app *sql.DB) {
		return func(t *testing.T, _ string, app *sql.DB) { dbtest.Exec(t, app, statement) }
	}
	for name, tt := range map[string]struct {
		change    func(t *testing.T, path string, app *sql.DB)
		unchanged bool
	}{
		"Nothing":  {func(*testing.T, string, *sql.DB) {}, true},
		"Read":     {exec("SELECT count(*) FROM users"), true},
		"RollBack": {exec("BEGIN; UPDATE ledger_a SET amount = 7; ROLLBACK"), true},
		"Commit":   {exec("UPDATE ledger_a SET amount = 7"), false},
		"Schema":   {exec("CREATE TABLE more (a)"), false},
		"Truncate": {exec("UPDATE ledger_a SET amount = 7; PRAGMA wal_checkpoint(TRUNCATE)"), false},
		"Vacuum":   {exec("VACUUM"), false},
		"Back":     {exec("CREATE TABLE more (a); DROP TABLE more"), false},
		"OtherProcess": {func(t *testing.T, path string, _ *sql.DB) {
			dbtest.StartWriter(t, path, 77).Kill()
		}, false},
		"Image": {func(t *testing.T, path string, _ *sql.DB) { readImage(t, path, sqlite.Options{}) }, true},
	} {
		for _, wal := range []bool{false, true} {
			for _, connected := range []bool{false, true} {
				t.Run(name+map[bool]string{true: ",wal"}[wal]+map[bool]string{true: ",connected"}[connected], func(t *testing.T) {
					t.Parallel()
					path := newDB(t, dbtest.Options{WAL: wal})
					var app *sql.DB
					if connected {
						app = dbtest.Open(t, path)
						defer app.Close()
						dbtest.Exec(t, app, "UPDATE ledger_a SET amount = 3")
					}
					w, err := sqlite.NewWatch(t.Context(), path, time.Second)
					if err != nil {
						t.Fatal(err)
					}
					defer w.Close()
					if !connected {
						app = dbtest.Open(t, path)
						defer app.Close()
					}
					tt.change(t, path, app)
					if got, err := w.Unchanged(); err != nil || got != tt.unchanged {
						t.Errorf("unchanged: got %t, %v, want %t", got, err, tt.unchanged)
					}
				})
			}
		}
	}
}

// TestWatchLeavesNothing checks the folder after a watch.
func TestWatchLeavesNothing(t *testing.T) {
	t.Parallel()
	path := newDB(t, dbtest.Options{WAL: true})
	before := folder(t, filepath.Dir(path))
	w, err := sqlite.NewWatch(t.Context(), path, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if after := folder(t, filepath.Dir(path)); !maps.Equal(before, after) {
		t.Errorf("got %v, had %v", after, before)
	}
	if _, err := sqlite.NewWatch(t.Context(), path+".missing", time.Second); err == nil {
		t.Error("watches a database that is not there")
	}
}
