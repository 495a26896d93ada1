package site

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"firn/internal/dbtest"
)

// TestFollowerForeign follows a database in another user's folder, with that user's rights. The connection is closed where it
// was opened: SQLite removes the WAL by a name that only the thread has.
func TestFollowerForeign(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "app.db")
	dbtest.Create(t, path, dbtest.Options{WAL: true})
	if err := errors.Join(os.Chmod(filepath.Dir(dir), 0o755), os.Chown(path, 65534, 65534), os.Chown(dir, 65534, 65534)); err != nil {
		t.Fatal(err)
	}
	f := NewFollower(path, true, time.Minute, time.Now)
	looked(t, f, true)
	stored(t, f)
	if s := f.State(); !s.Held || f.at == nil || f.at.thread == nil {
		t.Fatalf("state: got %+v, want a connection of another user's rights", s)
	}
	app := dbtest.Open(t, path)
	dbtest.Exec(t, app, "UPDATE ledger_a SET amount = 2; UPDATE ledger_b SET amount = 2")
	looked(t, f, true)
	stored(t, f)
	looked(t, f, false)
	dbtest.Exec(t, app, "UPDATE ledger_a SET amount = 3; UPDATE ledger_b SET amount = 3")
	app.Close()
	if err := f.Peek(); err != nil {
		t.Error(err)
	}
	if s := f.State(); s.Commits != 2 {
		t.Errorf("commits: got %d, want 2; %+v", s.Commits, s)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path + "-wal"); err == nil {
		t.Error("the WAL was left")
	}
	dbtest.CheckInvariant(t, path)
}
