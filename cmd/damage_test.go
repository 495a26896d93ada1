package cmd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"firn/cmd"
	"firn/crypt"
	"firn/internal/damage"
	"firn/repo"
	"firn/snapshot"
	"firn/store/local"
)

// workspace is a folder with a database and two repositories with its backups.
type workspace struct {
	dir  string
	args []string // for every command
}

func newWorkspace(t *testing.T) *workspace {
	t.Helper()
	p := &workspace{dir: t.TempDir()}
	p.args = []string{"--key-file", p.path("key"), "--cache-dir", p.path("cache"), "--config", p.path("firn.toml")}
	if err := os.WriteFile(p.path("firn.toml"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p.sql(t, "CREATE TABLE t(a); INSERT INTO t VALUES (hex(randomblob(300000)))")
	for _, repository := range []string{"repo", "foreign"} {
		p.firn(t, 0, repository, "init")
		p.firn(t, 0, repository, "backup", "--database", p.path("app.db"), "--env", "production")
		p.firn(t, 0, repository, "verify", "production")
		p.watch(t, repository)
	}
	return p
}

// bytesImage is an image of bytes.
type bytesImage struct{ io.Reader }

func (bytesImage) Close() error                   { return nil }
func (bytesImage) Describe() snapshot.Image       { return snapshot.Image{Export: snapshot.ExportStream} }
func (bytesImage) Unchanged(json.RawMessage) bool { return false }

// watch adds what a watch stores: rounds of two databases, tombstones and a sign of life.
func (p *workspace) watch(t *testing.T, repository string) {
	t.Helper()
	st, err := local.Open(p.path(repository))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	r, err := repo.Open(t.Context(), repo.Options{Store: st, Credential: p.key(t).Credential(), CacheDir: p.path("cache-of-watch-" + repository)})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	rounds, err := r.NewRounds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var gone []snapshot.ID
	for n := range 4 {
		var members []repo.RoundMember
		for i := range 2 {
			b := make([]byte, 20_000) // the first round is the largest, and the others stand on it
			_, _ = rand.NewChaCha8([32]byte{byte(i)}).Read(b)
			copy(b, fmt.Sprintf("round %d", n))
			source := func(context.Context) (repo.SourceImage, error) { return bytesImage{bytes.NewReader(b)}, nil }
			members = append(members, repo.RoundMember{Source: source, Options: repo.BackupOptions{Environment: fmt.Sprintf("tenant-%d", i), Database: "app"}})
		}
		result, err := rounds.Take(t.Context(), members)
		if err != nil {
			t.Fatal(err)
		}
		gone = append(gone, result.Members[0].Snapshot.ID)
	}
	if _, err := rounds.Confirm(t.Context()); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	err = errors.Join(r.Forget(t.Context(), gone[0]), r.Forget(t.Context(), gone[2]), r.PutAlive(t.Context(), repo.Alive{Began: began, Time: began}))
	if err != nil {
		t.Fatal(err)
	}
}

// key returns the key of both repositories.
func (p *workspace) key(t *testing.T) crypt.KeyFile {
	t.Helper()
	text, err := os.ReadFile(p.path("key"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := crypt.ParseKeyFile(text)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (p *workspace) path(name string) string { return filepath.Join(p.dir, name) }

func (p *workspace) sql(t *testing.T, query string) {
	t.Helper()
	if runSQL(p.path("app.db"), query) != 0 {
		t.Fatalf("sql: %s", query)
	}
}

// firn runs a command, which must end with a certain code, and returns its output.
func (p *workspace) firn(t *testing.T, code int, repository string, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	args = slices.Concat(args, []string{"--repository", p.path(repository)}, p.args)
	if got := cmd.Run(context.Background(), args, cmd.Streams{In: strings.NewReader(""), Out: &out, Err: &out}); got != code {
		t.Fatalf("firn %s: got code %d, want %d:\n%s", strings.Join(args, " "), got, code, &out)
	}
	return out.String()
}

func (p *workspace) damage(t *testing.T, kind string) []string {
	t.Helper()
	var err error
	var stores [2]*local.Store
	for i, repository := range []string{"repo", "foreign"} {
		if stores[i], err = local.Open(p.path(repository)); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = stores[i].Close() })
	}
	target, err := damage.Open(t.Context(), stores[0], p.key(t).Credential())
	if err != nil {
		t.Fatal(err)
	}
	target.Foreign = stores[1]
	names, err := target.Do(t.Context(), kind)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestEveryDamage repairs every kind of damage by the commands that the hints name.
func TestEveryDamage(t *testing.T) {
	t.Parallel()
	for n, kind := range damage.Kinds() {
		if testing.Short() && n%5 != 0 {
			continue
		}
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			p := newWorkspace(t)
			backup := []string{"backup", "--database", p.path("app.db"), "--env", "production", "--force-scan"}
			p.sql(t, "INSERT INTO t VALUES (hex(randomblob(300000)))")
			p.firn(t, 0, "repo", backup...)
			p.firn(t, 0, "repo", "verify", "production", "--full") // a note on another snapshot
			names := p.damage(t, kind)
			if kind == "config-missing" {
				p.firn(t, 10, "repo", "check")
			} else if told := p.firn(t, 13, "repo", "check", "--read-data"); !strings.HasSuffix(kind, "missing") {
				for _, name := range names {
					if !strings.Contains(told, name) {
						t.Errorf("check does not name %s, but:\n%s", name, told)
					}
				}
			}
			p.firn(t, 2, "repo", "check", "--repair")
			p.repair(t)
			p.firn(t, 0, "repo", backup...)
			p.firn(t, 0, "repo", "check", "--repair", "--forget-lost", "--yes")
			p.firn(t, 0, "repo", "prune")
			p.firn(t, 0, "repo", "prune")
			p.firn(t, 0, "repo", "check", "--read-data")
			p.firn(t, 0, "repo", "check", "--read-data", "--no-cache")
			p.firn(t, 0, "repo", "restore", "production", "--snapshot", "latest", "--yes", "--target", p.path("restored.db"))
		})
	}
}

// repair runs a repair, which must end with code 13 if snapshots stay lost.
func (p *workspace) repair(t *testing.T) {
	t.Helper()
	var out bytes.Buffer
	args := slices.Concat([]string{"check", "--repair", "--yes", "--repository", p.path("repo")}, p.args)
	code := cmd.Run(t.Context(), args, cmd.Streams{In: strings.NewReader(""), Out: &out, Err: &out})
	if lost := strings.Contains(out.String(), "the repository is damaged: "); code != 13 && lost || code != 0 && !lost {
		t.Fatalf("repair: got code %d:\n%s", code, &out)
	}
}
