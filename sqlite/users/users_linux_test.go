package users_test

import (
	"os"
	"path/filepath"
	"testing"

	"firn/internal/dbtest"
	"firn/sqlite/users"
)

func TestMain(m *testing.M) {
	dbtest.Main()
	os.Exit(m.Run())
}

func TestMayLoseCommits(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]bool{
		"3.6.23": false, "3.7.0": true, "3.40.1": true, "3.44.5": true, "3.44.6": false, "3.44.9": false, "3.45.0": true,
		"3.50.6": true, "3.50.7": false, "3.51.2": true, "3.51.3": false, "3.54.1": false, "4.0.0": false, "": false, "3": false, "3.x.y": false,
	} {
		if got := users.MayLoseCommits(version); got != want {
			t.Errorf("%q: got %v, want %v", version, got, want)
		}
	}
}

// newDB makes a database in WAL mode and returns its path.
func newDB(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "app.db")
	dbtest.Create(t, path, dbtest.Options{WAL: true})
	return path
}

// TestUsers has the shell of SQLite use a database, and compares its version with what the shell itself says.
func TestUsers(t *testing.T) {
	t.Parallel()
	path := newDB(t)
	process, version := dbtest.StartShell(t, path)
	if found := users.Of(path); len(found) != 1 || found[0] != (users.User{Process: process, Command: "sqlite3", Version: version}) {
		t.Errorf("got %+v, want process %d, sqlite3, with %s", found, process, version)
	}
	if found := users.Of(newDB(t)); len(found) != 0 {
		t.Errorf("another database: got %+v, want none", found)
	}
}

// TestUsersWithoutSymbols has a program use a database that has SQLite in it without a symbol: the test itself.
func TestUsersWithoutSymbols(t *testing.T) {
	t.Parallel()
	path := newDB(t)
	writer := dbtest.StartWriter(t, path, 1)
	defer writer.Kill()
	db := dbtest.Open(t, path)
	defer db.Close()
	var want string
	if err := db.QueryRow("SELECT sqlite_version() FROM users").Scan(&want); err != nil {
		t.Fatal(err)
	}
	for range 100 { // the writer closes its database now and then
		if found := users.Of(path); len(found) == 1 {
			if found[0].Version != want {
				t.Errorf("got %+v, want version %s", found, want)
			}
			return
		}
	}
	t.Skip("the program has no version that can be told")
}
