package cmd

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"firn/answer"
	"firn/internal/dbtest"
	"firn/outcome"
)

// operator runs firn as cron does, under a clock of its own.
type operator struct {
	t      *testing.T
	dir    string
	now    time.Time
	stamps map[string]bool // files that have a time of this clock
}

func newOperator(t *testing.T, start time.Time, config string) *operator {
	t.Helper()
	o := &operator{t: t, dir: inMemory(t), now: start, stamps: make(map[string]bool)}
	o.write("firn.toml", config)
	return o
}

// inMemory returns a folder in memory if the system has one. The tests make thousands of
// runs and need nothing to survive a crash.
func inMemory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "firn-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func (o *operator) path(name string) string { return filepath.Join(o.dir, name) }

func (o *operator) write(name, text string) {
	o.t.Helper()
	if err := os.WriteFile(o.path(name), []byte(text), 0o600); err != nil {
		o.t.Fatal(err)
	}
}

func (o *operator) rename(from, to string) {
	o.t.Helper()
	if err := os.Rename(o.path(from), o.path(to)); err != nil {
		o.t.Fatal(err)
	}
}

// firn runs a command line, and returns its exit code and its output.
func (o *operator) firn(line string) (code int, stdout, stderr string) {
	o.t.Helper()
	var out, err bytes.Buffer
	c := newCLI(Streams{In: strings.NewReader(""), Out: &out, Err: &err})
	c.program.Now, c.program.Zone = func() time.Time { return o.now }, time.UTC
	code = c.run(context.Background(), append(strings.Fields(line), "--config", o.path("firn.toml"), "--cache-dir", o.path("cache")))
	o.stamp()
	return code, out.String(), err.String()
}

// want runs a command line, which must end with that code.
func (o *operator) want(code int, line string) (stdout, stderr string) {
	o.t.Helper()
	got, stdout, stderr := o.firn(line)
	if got != code {
		o.t.Fatalf("%s: firn %s: exit code %d, want %d\n%s%s", o.now.Format(time.DateTime), line, got, code, stdout, stderr)
	}
	return stdout, stderr
}

// stamp gives new files of the repositories the time of this clock, as their disk would.
func (o *operator) stamp() {
	o.t.Helper()
	for _, dir := range []string{"repo", "offsite"} {
		err := filepath.WalkDir(o.path(dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || o.stamps[path] {
				return nil // the file or folder does not exist
			}
			o.stamps[path] = true
			return os.Chtimes(path, o.now, o.now)
		})
		if err != nil {
			o.t.Fatal(err)
		}
	}
}

// exec runs SQL on a database, as an application does.
func (o *operator) exec(name, query string, args ...any) {
	o.t.Helper()
	db := dbtest.Open(o.t, o.path(name))
	defer db.Close()
	dbtest.Exec(o.t, db, query, args...)
}

// content returns all rows of the table t.
func (o *operator) content(name string) string {
	o.t.Helper()
	var text sql.NullString
	db := dbtest.Open(o.t, o.path(name))
	defer db.Close()
	if err := db.QueryRow("SELECT group_concat(k || '=' || v, ';') FROM (SELECT * FROM t ORDER BY k)").Scan(&text); err != nil {
		o.t.Fatal(err)
	}
	return text.String
}

// status returns the states by environment, and the exit code.
func (o *operator) status(flags string) (map[string]*answer.State, int) {
	o.t.Helper()
	code, stdout, stderr := o.firn("status --json" + flags)
	if code > outcome.CodeFailed {
		return nil, code
	}
	var message answer.Status
	if err := json.Unmarshal([]byte(stdout), &message); err != nil {
		o.t.Fatalf("status: %v\n%s%s", err, stdout, stderr)
	}
	states := make(map[string]*answer.State)
	for _, st := range message.Environments {
		states[st.Environment] = &st
	}
	return states, code
}
