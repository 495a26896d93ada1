package sqlite_test

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"testing"

	"firn/internal/dbtest"
	"firn/sqlite"
)

// TestFollowerNotices has everything happen to a database that is more than a commit. Each time Look notices it, and the next
// image is right.
func TestFollowerNotices(t *testing.T) {
	t.Parallel()
	copied := func(t *testing.T, path string) string {
		t.Helper()
		other := newDB(t, dbtest.Options{WAL: true, Rows: 100, Seed: 99})
		if err := os.Rename(other, path+".new"); err != nil {
			t.Fatal(err)
		}
		return path + ".new"
	}
	replace := func(t *testing.T, path string, db *sql.DB) {
		dbtest.Exec(t, db, "PRAGMA wal_checkpoint(TRUNCATE)")
		db.Close()
		if err := os.Rename(copied(t, path), path); err != nil {
			t.Fatal(err)
		}
	}
	tests := map[string]func(t *testing.T, path string, db *sql.DB){
		"Replaced": replace,
		"ReplacedWithoutWAL": func(t *testing.T, path string, db *sql.DB) {
			replace(t, path, db)
			os.Remove(path + "-wal")
			os.Remove(path + "-shm")
		},
		"RemovedWAL": func(t *testing.T, path string, db *sql.DB) {
			dbtest.Exec(t, db, "PRAGMA wal_checkpoint(TRUNCATE)")
			db.Close()
			os.Remove(path + "-wal")
			os.Remove(path + "-shm")
		},
		"OverwrittenInPlace": func(t *testing.T, path string, db *sql.DB) {
			dbtest.Exec(t, db, "PRAGMA wal_checkpoint(TRUNCATE)")
			db.Close()
			writeFile(t, path, readFile(t, copied(t, path)))
		},
		"Vacuum": func(t *testing.T, _ string, db *sql.DB) { dbtest.Exec(t, db, "VACUUM") },
	}
	unheld := map[string]func(t *testing.T, path string, db *sql.DB){
		"ModeAndBack": func(t *testing.T, _ string, db *sql.DB) {
			dbtest.Exec(t, db, "PRAGMA journal_mode = DELETE; UPDATE ledger_a SET amount = 7; PRAGMA journal_mode = WAL")
		},
		"Mode": func(t *testing.T, _ string, db *sql.DB) { dbtest.Exec(t, db, "PRAGMA journal_mode = DELETE") },
		"PageSize": func(t *testing.T, _ string, db *sql.DB) {
			dbtest.Exec(t, db, "PRAGMA journal_mode = DELETE; PRAGMA page_size = 8192; VACUUM; PRAGMA journal_mode = WAL")
		},
	}
	for _, hold := range []bool{true, false} {
		all := []map[string]func(*testing.T, string, *sql.DB){tests}
		if !hold { // an application cannot leave WAL mode while the connection is held
			all = append(all, unheld)
		}
		for _, tests := range all {
			for name, change := range tests {
				t.Run(fmt.Sprintf("%s,hold=%v", name, hold), func(t *testing.T) {
					t.Parallel()
					path := newDB(t, dbtest.Options{WAL: true})
					db := dbtest.Open(t, path)
					defer db.Close()
					dbtest.Exec(t, db, "UPDATE ledger_a SET amount = 3")
					f := newFollowed(t, path, hold)
					f.next(t)
					dbtest.Exec(t, db, "UPDATE ledger_a SET amount = 4")
					f.next(t)
					f.look(t, false)
					change(t, path, db)
					f.look(t, true)
					f.next(t)
					f.look(t, false)
				})
			}
		}
	}
}

// TestFollowerGone has the file of a database removed, or emptied.
func TestFollowerGone(t *testing.T) {
	t.Parallel()
	for _, hold := range []bool{true, false} {
		for _, wal := range []bool{true, false} {
			for name, tt := range map[string]struct {
				change func(path string) error
				want   error
			}{
				"Removed": {os.Remove, fs.ErrNotExist},
				"Emptied": {func(path string) error { return os.Truncate(path, 0) }, sqlite.ErrEmpty},
			} {
				t.Run(fmt.Sprintf("%s,hold=%v,wal=%v", name, hold, wal), func(t *testing.T) {
					t.Parallel()
					path := newDB(t, dbtest.Options{WAL: wal})
					f := newFollowed(t, path, hold)
					f.next(t)
					if err := tt.change(path); err != nil {
						t.Fatal(err)
					}
					if changed, err := f.f.Look(t.Context()); !changed || !errors.Is(err, tt.want) {
						t.Errorf("look: got %v, %v, want %v", changed, err, tt.want)
					}
					if s := f.f.State(); !errors.Is(s.Err, tt.want) || s.Held {
						t.Errorf("state: got %+v", s)
					}
					os.Remove(path)
					os.Remove(path + "-wal")
					os.Remove(path + "-shm")
					dbtest.Create(t, path, dbtest.Options{WAL: wal, Seed: 5})
					f.look(t, true)
					f.next(t)
					f.look(t, false)
				})
			}
		}
	}
}

// TestFollowerReplaced shows what the check of the files' identities is for: without it, a follower goes on with a file that
// has no name any more.
func TestFollowerReplaced(t *testing.T) {
	t.Parallel()
	for _, blind := range []bool{false, true} {
		path := newDB(t, dbtest.Options{WAL: true})
		db := dbtest.Open(t, path)
		dbtest.Exec(t, db, "UPDATE ledger_a SET amount = 3")
		f := newFollowed(t, path, true)
		f.next(t)
		sqlite.Disturb(f.f, nil, blind)
		dbtest.Exec(t, db, "VACUUM INTO '"+path+"2'")
		db.Close()
		if err := os.Rename(path+"2", path); err != nil {
			t.Fatal(err)
		}
		f.look(t, !blind)
	}
}

// TestFollowerCutIndex has a user cut the -shm file under a held connection, whose memory is gone then.
func TestFollowerCutIndex(t *testing.T) {
	t.Parallel()
	path := newDB(t, dbtest.Options{WAL: true})
	dbtest.StartWriter(t, path, 1).Kill() // leaves a WAL
	f := newFollowed(t, path, true)
	f.next(t)
	f.look(t, false)
	if err := os.Truncate(path+"-shm", 0); err != nil {
		t.Fatal(err)
	}
	f.peek(t)
	f.look(t, true)
	f.next(t)
	f.look(t, false)
	dbtest.Mutate(t, path, 5, 20)
	f.look(t, true)
	f.next(t)
}
