package access_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"firn/access"
)

// clock is the time of a test.
type clock struct{ now time.Time }

func (c *clock) read() time.Time { return c.now }

func open(t *testing.T) (*access.File, *clock, string) {
	t.Helper()
	c := &clock{time.Date(2026, 3, 15, 3, 12, 0, 0, time.UTC)}
	dir := filepath.Join(t.TempDir(), "state")
	f, err := access.Open(dir, c.read)
	if err != nil {
		t.Fatal(err)
	}
	return f, c, dir
}

func add(t *testing.T, f *access.File, g access.Grant) string {
	t.Helper()
	token, err := f.Add(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	return token.Reveal()
}

func TestTokenIsFoundUntilItIsRemovedOrExpires(t *testing.T) {
	t.Parallel()
	f, c, _ := open(t)
	text := add(t, f, access.Grant{Name: "a", Scopes: []access.Scope{access.Read}, Environment: "*", Expires: c.now.Add(time.Hour)})
	g, err := f.Find(t.Context(), text)
	if err != nil || g.Name != "a" {
		t.Fatalf("new token: got %v, %v", g, err)
	}
	list, err := f.List()
	if err != nil || len(list) != 1 || !list[0].Used.Equal(c.now) {
		t.Errorf("last use: got %v, %v, want %v", list, err, c.now)
	}
	c.now = c.now.Add(time.Hour)
	if _, err := f.Find(t.Context(), text); !errors.Is(err, access.ErrRefused) {
		t.Errorf("expired: got %v, want ErrRefused", err)
	}
	c.now = c.now.Add(-time.Minute)
	if err := f.Remove(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Find(t.Context(), text); !errors.Is(err, access.ErrRefused) {
		t.Errorf("removed: got %v, want ErrRefused", err)
	}
}

func TestFileHoldsNoToken(t *testing.T) {
	t.Parallel()
	f, _, dir := open(t)
	text := add(t, f, access.Grant{Name: "a", Scopes: []access.Scope{access.Read}, Environment: "*"})
	path := filepath.Join(dir, "tokens.json")
	b, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(b), text[5:20]) {
		t.Errorf("the file holds the secret: %s, %v", b, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode: got %v, %v, want 0600", info.Mode(), err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Find(t.Context(), text); err == nil {
		t.Error("a file that all users can write was trusted")
	}
}

func TestChecksumRefusesMistypedTokens(t *testing.T) {
	t.Parallel()
	text := access.NewToken().Reveal()
	if _, err := access.ParseToken(text); err != nil || len(text) != 54 {
		t.Fatalf("got %d characters, %v", len(text), err)
	}
	for i := range text {
		changed := []byte(text)
		changed[i] ^= 1
		if _, err := access.ParseToken(string(changed)); !errors.Is(err, access.ErrRefused) {
			t.Errorf("character %d changed: got %v, want ErrRefused", i, err)
		}
	}
	if got := access.Token(text).String(); strings.Contains(got, text[5:10]) {
		t.Errorf("the text for logs has the secret: %s", got)
	}
}

func TestScopes(t *testing.T) {
	t.Parallel()
	all := []access.Scope{access.Status, access.Read, access.Stream, access.Restore, access.Admin}
	for scope, want := range map[access.Scope]string{
		access.Status: "10000", access.Read: "11000", access.Stream: "10100", access.Restore: "11010", access.Admin: "11111",
	} {
		g, got := access.Grant{Scopes: []access.Scope{scope}}, ""
		for _, wanted := range all {
			if g.Allows(wanted) {
				got += "1"
			} else {
				got += "0"
			}
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", scope, got, want)
		}
	}
	if _, err := access.ParseScopes([]string{"read", "root"}); err == nil {
		t.Error("an unknown scope was taken")
	}
}

func TestEnvironments(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pattern, name string
		want          bool
	}{
		{"*", "a/b", true}, {"production", "production", true}, {"production", "production2", false},
		{"tenant-*", "tenant-acme", true}, {"tenant-*", "production", false}, {"", "production", false},
	} {
		g := access.Grant{Environment: tt.pattern}
		if got := g.Sees(tt.name); got != tt.want {
			t.Errorf("%q sees %q: got %v, want %v", tt.pattern, tt.name, got, tt.want)
		}
	}
}

func TestAddRefuses(t *testing.T) {
	t.Parallel()
	f, c, _ := open(t)
	add(t, f, access.Grant{Name: "a", Environment: "*"})
	for name, g := range map[string]access.Grant{
		"SameName": {Name: "a", Environment: "*"}, "NoName": {Environment: "*"}, "BadPattern": {Name: "b", Environment: "["},
		"NoEnvironment": {Name: "b"}, "Past": {Name: "b", Environment: "*", Expires: c.now},
	} {
		if _, err := f.Add(t.Context(), g); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

func TestLogAppends(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "state")
	for _, what := range []string{"pin", "restore\n{}"} {
		l, err := access.OpenLog(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Begin(access.Event{Who: "a", What: what}); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(filepath.Join(dir, "audit.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	if len(lines) != 2 {
		t.Fatalf("got %d lines, want 2: %s", len(lines), b)
	}
	var e access.Event
	if err := json.Unmarshal([]byte(lines[1]), &e); err != nil || e.What != "restore\n{}" {
		t.Errorf("got %v, %v", e, err)
	}
}
