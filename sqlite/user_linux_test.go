package sqlite_test

import (
	"testing"

	"firn/internal/dbtest"
	"firn/sqlite"
)

func TestMayLoseCommits(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]bool{
		"3.6.23": false, "3.7.0": true, "3.40.1": true, "3.44.5": true, "3.44.6": false, "3.44.9": false, "3.45.0": true,
		"3.50.6": true, "3.50.7": false, "3.51.2": true, "3.51.3": false, "3.54.1": false, "4.0.0": false, "": false, "3": false, "3.x.y": false,
	} {
		if got := sqlite.MayLoseCommits(version); got != want {
			t.Errorf("%q: got %v, want %v", version, got, want)
		}
	}
}

// TestUsers has the shell of SQLite use a database, and compares its version with what the shell itself says.
func TestUsers(t *testing.T) {
	t.Parallel()
	path := newDB(t, dbtest.Options{WAL: true})
	process, version := dbtest.StartShell(t, path)
	if users := sqlite.Users(path); len(users) != 1 || users[0] != (sqlite.User{Process: process, Command: "sqlite3", Version: version}) {
		t.Errorf("got %+v, want process %d, sqlite3, with %s", users, process, version)
	}
	if users := sqlite.Users(newDB(t, dbtest.Options{WAL: true})); len(users) != 0 {
		t.Errorf("another database: got %+v, want none", users)
	}
}

// TestUsersWithoutSymbols has a program use a database that has SQLite in it without a symbol: the test itself.
func TestUsersWithoutSymbols(t *testing.T) {
	t.Parallel()
	path := newDB(t, dbtest.Options{WAL: true})
	writer := dbtest.StartWriter(t, path, 1)
	defer writer.Kill()
	db := dbtest.Open(t, path)
	defer db.Close()
	var want string
	if err := db.QueryRow("SELECT sqlite_version() FROM users").Scan(&want); err != nil {
		t.Fatal(err)
	}
	for range 100 { // the writer closes its database now and then
		if users := sqlite.Users(path); len(users) == 1 {
			if users[0].Version != want {
				t.Errorf("got %+v, want version %s", users, want)
			}
			return
		}
	}
	t.Skip("the program has no version that can be told")
}
