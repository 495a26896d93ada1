package cmd_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"firn/cmd"
	"firn/internal/s3test"
)

// TestRequests counts the requests that arrive at a server, for the table in docs/s3.md.
func TestRequests(t *testing.T) {
	t.Parallel()
	r := newRequestRig(t)
	restore := []string{"restore", "--from", "production", "--snapshot", "latest", "--target", filepath.Join(r.dir, "copy.db"), "--yes"}
	tests := []struct {
		name, statement, want string
		args                  []string
	}{
		{"First", "SELECT 1", "", []string{"backup", "production", "--prune"}},
		{"Second", "UPDATE t SET a = 'second' WHERE rowid = 7", "4 list, put, put, list", []string{"backup", "production", "--prune"}},
		{"Unchanged", "SELECT 1", "3 list, put, list", []string{"backup", "production", "--prune"}},
		{"Retention", "UPDATE t SET a = 'third' WHERE rowid = 4000", "5 list, put, put, list, delete", []string{"backup", "production", "--prune"}},
		{"Listing", "SELECT 1", "1 list", []string{"snapshots"}},
		{"Restore", "SELECT 1", "2 list, list", restore},
		{"RestoreOver", "SELECT 1", "6 list, list, list, put, list, list", restore},
		{"Prune", "SELECT 1", "3 list, list, put", []string{"prune"}},
	}
	for _, tt := range tests { // each test starts from the state that the one before left
		r.exec(t, tt.statement)
		r.want(t, tt.want, tt.args...)
	}
}

// requestRig is a database with a repository behind a proxy that counts requests.
type requestRig struct {
	dir   string
	proxy *s3test.Proxy
}

func newRequestRig(t *testing.T) *requestRig {
	t.Helper()
	server := s3test.Start(t, s3test.Options{})
	r := &requestRig{dir: t.TempDir(), proxy: s3test.StartProxy(t, server)}
	for name, content := range map[string]string{
		"access": server.AccessKey,
		"secret": server.SecretKey,
	} {
		if err := os.WriteFile(filepath.Join(r.dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r.configure(t, "[keep]\nlast = 3\n[env.production]\ndatabase = \"app.db\"\n")
	r.exec(t, "CREATE TABLE t(a)")
	r.exec(t, "INSERT INTO t WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i < 5000) SELECT hex(randomblob(50)) FROM c")
	r.firn(t, "init")
	return r
}

// configure writes the configuration: where the repository is, and more.
func (r *requestRig) configure(t *testing.T, more string) {
	t.Helper()
	conf := fmt.Sprintf("repository = %q\n%s[s3]\naccess_key_file = \"access\"\nsecret_key_file = \"secret\"\n", r.proxy.Location("repo"), more)
	if err := os.WriteFile(filepath.Join(r.dir, "firn.toml"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (r *requestRig) exec(t *testing.T, statement string) {
	t.Helper()
	r.execIn(t, filepath.Join(r.dir, "app.db"), statement)
}

func (r *requestRig) execIn(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}

func (r *requestRig) firn(t *testing.T, args ...string) {
	t.Helper()
	var out bytes.Buffer
	args = append(args, "--config", filepath.Join(r.dir, "firn.toml"), "--cache-dir", filepath.Join(r.dir, "cache"))
	if code := cmd.Run(context.Background(), args, cmd.Streams{In: strings.NewReader(""), Out: &out, Err: &out}); code != 0 {
		t.Fatalf("firn %v: code %d\n%s", args, code, out.String())
	}
}

// want runs firn and compares its requests: their number and their kinds. An empty want
// accepts any.
func (r *requestRig) want(t *testing.T, want string, args ...string) {
	t.Helper()
	r.proxy.Reset()
	r.firn(t, args...)
	requests := r.proxy.Requests()
	var kinds []string
	for _, q := range requests {
		kinds = append(kinds, strings.TrimPrefix(q.Kind, "batch "))
	}
	if got := fmt.Sprintf("%d %s", len(requests), strings.Join(kinds, ", ")); want != "" && got != want {
		t.Errorf("%v: got %s, want %s", args, got, want)
	}
}

// TestQueryBytes looks up one row of a database of 40 MB by its key, in a bucket without
// a local cache, and then another row. The sizes of chunks are random. Usually the
// queries read 330 and 80 KB, but one chunk in four may have three times its usual size.
func TestQueryBytes(t *testing.T) {
	if testing.Short() {
		t.Skip("the bytes are those of the long run, and the database must be large")
	}
	t.Parallel()
	r := newRequestRig(t)
	r.exec(t, "CREATE TABLE large(id INTEGER PRIMARY KEY, text)")
	r.exec(t, "INSERT INTO large WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i < 20000) SELECT i, hex(randomblob(1000)) FROM c")
	for range 3 {
		r.firn(t, "backup", "production")
		r.exec(t, "UPDATE large SET text = hex(randomblob(1000)) WHERE id % 1000 = 7")
	}
	if err := os.RemoveAll(filepath.Join(r.dir, "cache")); err != nil {
		t.Fatal(err)
	}
	for i, most := range []int64{700 << 10, 300 << 10} {
		r.proxy.Reset()
		r.firn(t, "query", "latest", fmt.Sprintf("SELECT text FROM large WHERE id = %d", 5000+9000*i))
		if got := r.proxy.Answered(); got > most {
			t.Errorf("query %d: got %d bytes, want at most %d", i, got, most)
		}
	}
}
