package agent_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"firn/agent"
	"firn/internal/dbtest"
	"firn/pull"
	"firn/sqlite"
)

// TestAllow asks for databases by paths of all kinds. The folder has app.db, a link to it, links that lead out of the folder, and
// a folder below. The agent may have /folder/*.db and /folder/below/*/x.db.
func TestAllow(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	in := func(elements ...string) string { return filepath.Join(append([]string{root}, elements...)...) }
	for _, dir := range []string{"folder/below/one", "outside/one"} {
		if err := os.MkdirAll(in(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"folder/app.db", "folder/app.sqlite", "folder/below/x.db", "folder/below/one/x.db", "outside/secret.db", "outside/one/x.db"} {
		dbtest.Create(t, in(name), dbtest.Options{Rows: 5})
	}
	for link, to := range map[string]string{
		"folder/link.db": "app.db", "folder/out.db": "../outside/secret.db", "folder/below/two": "../../outside/one", "alias": "folder",
		"folder/nothing.db": "none.db", "folder/circle.db": "circle.db",
	} {
		if err := os.Symlink(to, in(link)); err != nil {
			t.Skip(err)
		}
	}
	h, _ := start(t, agent.Options{Allow: []string{in("folder/*.db"), in("folder/below/*/x.db"), in("alias/app.sqlite")}})
	for path, want := range map[string]error{
		in("folder/app.db"):         nil,
		in("folder/link.db"):        nil,
		in("folder/below/one/x.db"): nil,
		in("alias/app.sqlite"):      nil,
		in("folder/app.sqlite"):     nil,

		in("alias/app.db"):          pull.ErrNotAllowed, // only app.sqlite may be named so
		in("folder/out.db"):         pull.ErrNotAllowed,
		in("folder/below/two/x.db"): pull.ErrNotAllowed,
		in("folder/below/x.db"):     pull.ErrNotAllowed,
		in("outside/secret.db"):     pull.ErrNotAllowed,
		in("outside/none.db"):       pull.ErrNotAllowed,
		in("none/none/x.db"):        pull.ErrNotAllowed,
		in("folder"):                pull.ErrNotAllowed,
		"/":                         pull.ErrNotAllowed,

		in("folder") + "/../outside/secret.db": pull.ErrRequest,
		in("folder") + "/./app.db":             pull.ErrRequest,
		in("folder") + "//app.db":              pull.ErrRequest,
		in("folder/app.db") + "/":              pull.ErrRequest,
		in("folder/app.db") + "\x00":           pull.ErrRequest,
		"folder/app.db":                        pull.ErrRequest,
		"app.db":                               pull.ErrRequest,
		"":                                     pull.ErrRequest,
		"~":                                    pull.ErrRequest,
		"~/../" + root:                         pull.ErrRequest,
		"~root/app.db":                         pull.ErrRequest,
		"~/app.db":                             pull.ErrNotAllowed,
	} {
		_, err := h.Size(t.Context(), path)
		if !errors.Is(err, want) {
			t.Errorf("%q: got %v, want %v", path, err, want)
		}
		if want != nil && strings.Contains(err.Error(), "no such file") {
			t.Errorf("%q: the error tells that there is no such file: %v", path, err)
		}
	}
	for _, path := range []string{in("folder/none.db"), in("folder/nothing.db"), in("folder/circle.db")} {
		if _, err := h.Size(t.Context(), path); err == nil || errors.Is(err, pull.ErrNotAllowed) {
			t.Errorf("%q: got %v", path, err)
		}
	}
}

// TestBadPatterns refuses patterns that cannot be meant.
func TestBadPatterns(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{"", "app.db", "*.db", "/srv/../*.db", "/srv/app/", "/srv//app.db", "/srv/[", "~/app.db"} {
		if _, err := agent.New(agent.Options{Allow: []string{pattern}}); err == nil {
			t.Errorf("pattern %q is taken", pattern)
		}
	}
}

// TestLinkChanges lets a link lead to a database that is not allowed, after the agent has looked at it. Nothing is read of it.
func TestLinkChanges(t *testing.T) {
	t.Parallel()
	path, allow := database(t, dbtest.Options{WAL: true})
	secret := filepath.Join(t.TempDir(), "secret.db")
	dbtest.Create(t, secret, dbtest.Options{Seed: 5})
	link := filepath.Join(filepath.Dir(path), "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Skip(err)
	}
	h, _ := start(t, agent.Options{Allow: allow, Writable: true})
	follower := h.Follower(link, true)
	if _, err := follower.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	image, err := follower.Source(sqlite.Options{})(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer image.Close()
	if err := errors.Join(os.Remove(link), os.Symlink(secret, link)); err != nil {
		t.Fatal(err)
	}
	if _, err := image.Read(make([]byte, 100)); !errors.Is(err, pull.ErrNotAllowed) {
		t.Errorf("read: got %v, want %v", err, pull.ErrNotAllowed)
	}
	if _, err := follower.Look(t.Context()); !errors.Is(err, pull.ErrNotAllowed) {
		t.Errorf("look: got %v, want %v", err, pull.ErrNotAllowed)
	}
	if _, err := h.BeginRestore(t.Context(), link, 0); !errors.Is(err, pull.ErrNotAllowed) {
		t.Errorf("restore: got %v, want %v", err, pull.ErrNotAllowed)
	}
}
