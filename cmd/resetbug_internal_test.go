package cmd

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"firn/internal/dbtest"
	"firn/outcome"
	"firn/sqlite/users"
)

// TestResetBug keeps a database open in the shell of SQLite. Firn must warn if the shell's version
// has the bug.
func TestResetBug(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("needs /proc")
	}
	dir := t.TempDir()
	path, config := filepath.Join(dir, "app.db"), filepath.Join(dir, "firn.toml")
	dbtest.Create(t, path, dbtest.Options{WAL: true})
	_, version := dbtest.StartShell(t, path)
	text := fmt.Sprintf("repository = %q\nkey_file = %q\n[env.production]\ndatabase = %q\n", filepath.Join(dir, "repo"), filepath.Join(dir, "key"), path)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("(sqlite3) uses the database with SQLite %s, which can lose commits", version)
	for _, command := range []string{"init", "backup production", "status", "verify production"} {
		var out, err bytes.Buffer
		args := append([]string{"--config", config, "--cache-dir", filepath.Join(dir, "cache")}, strings.Fields(command)...)
		if code := newCLI(Streams{In: strings.NewReader(""), Out: &out, Err: &err}).run(t.Context(), args); code != outcome.CodeDone {
			t.Fatalf("%s: exit code %d\n%s", command, code, &err)
		}
		looks := command == "status" || command == "verify production"
		if got := strings.Contains(err.String(), want); got != (looks && users.MayLoseCommits(version)) {
			t.Errorf("%s: warned: %v\n%s", command, got, &err)
		}
	}
}
