package cmd_test

import (
	"bytes"
	"context"
	"database/sql"
	"slices"
	"strings"
	"testing"

	"firn/cmd"
)

// afterSave calls a function when a restore has printed that it saved the target. The
// restore has not locked the target yet.
type afterSave struct {
	bytes.Buffer
	do func()
}

func (b *afterSave) Write(p []byte) (int, error) {
	n, err := b.Buffer.Write(p)
	if b.do != nil && strings.Contains(b.String(), "Saved what was there") {
		b.do()
		b.do = nil
	}
	return n, err
}

// TestSeedIsChangedMeanwhile commits to a target that serves as a seed, after the
// restore saved it. The restore must replace all of the target, and must save the new
// commits as well.
func TestSeedIsChangedMeanwhile(t *testing.T) {
	t.Parallel()
	const turned = "substr(a, 1, 300000) || '!' || substr(a, 300002)" // the length stays the same, so only one page changes
	for name, commit := range map[string]string{
		"Nothing":    "",
		"Page":       "UPDATE t SET a = " + turned,
		"Table":      "CREATE TABLE more(a); INSERT INTO more VALUES (7)",
		"Much":       "CREATE TABLE more(a); INSERT INTO more VALUES (hex(randomblob(200000)))",
		"Forth":      "UPDATE t SET a = " + turned + "; CREATE TABLE more(a); DROP TABLE more",
		"Checkpoint": "UPDATE t SET a = " + turned + "; PRAGMA wal_checkpoint(TRUNCATE)",
	} {
		for _, mode := range []string{"delete", "wal", "wal, connected"} {
			t.Run(name+"/"+mode, func(t *testing.T) {
				t.Parallel()
				p := newWorkspace(t)
				target := p.path("seed.db")
				restore := []string{"restore", "--from", "production", "--snapshot", "latest", "--target", target, "--yes"}
				p.firn(t, 0, "repo", restore...)
				execute(t, target, "PRAGMA journal_mode = "+strings.TrimSuffix(mode, ", connected"))
				if strings.HasSuffix(mode, "connected") {
					app, err := sql.Open("sqlite", target)
					if err != nil {
						t.Fatal(err)
					}
					defer app.Close()
					if _, err := app.Exec("CREATE TABLE mine(a)"); err != nil {
						t.Fatal(err)
					}
				}
				execute(t, target, "CREATE TABLE own(a); INSERT INTO own VALUES (1)")
				was := first(t, target, "SELECT a FROM t")

				said := &afterSave{do: func() { execute(t, target, commit) }}
				args := slices.Concat(restore, []string{"--repository", p.path("repo")}, p.args)
				if code := cmd.Run(context.Background(), args, cmd.Streams{In: strings.NewReader(""), Out: said, Err: said}); code != 0 {
					t.Fatalf("got code %d:\n%s", code, said)
				}
				if got := first(t, target, "SELECT a FROM t"); got != was || said.do != nil {
					t.Errorf("what was committed meanwhile is left, or was not committed:\n%s", said)
				}
				if got := first(t, target, "SELECT group_concat(name) FROM sqlite_schema"); got != "t" {
					t.Errorf("got the tables %s, want t", got)
				}
				if got := first(t, target, "PRAGMA integrity_check"); got != "ok" {
					t.Errorf("integrity check: %s", got)
				}
				if got := strings.Contains(said.String(), "committed since"); got != (commit != "") {
					t.Errorf("saved what was committed: %t\n%s", got, said)
				}
			})
		}
	}
}

func execute(t *testing.T, path, statements string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statements); err != nil {
		t.Errorf("%s: %v", statements, err)
	}
}

// first returns the first column of a query's first row.
func first(t *testing.T, path, query string) (text string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow(query).Scan(&text); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return text
}
