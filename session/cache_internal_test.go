package session

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"firn/report"
)

// HOME may be another user's, as sudo and su leave it: then the caller's own home is used.
func TestCacheOfAnotherHome(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a folder to another user")
	}
	home := t.TempDir()
	if err := os.Chown(home, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", home)
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("FIRN_CACHE_DIR", "")
	var said []string
	s := &Session{Caller: &Caller{Getenv: os.Getenv, Reporter: &report.Reporter{Warned: func(text string) { said = append(said, text) }}}}
	dir := s.OpenCache(home) // named by a location that no repository has
	if dir != "" {
		t.Cleanup(func() { os.Remove(dir) })
	}
	if strings.HasPrefix(dir, home) {
		t.Errorf("got %s, below the home of another user", dir)
	}
	if entries, err := os.ReadDir(home); err != nil || len(entries) > 0 {
		t.Errorf("got %v, %v in the home of another user", entries, err)
	}
	if len(said) > 0 {
		t.Errorf("got %q, want nothing said", said)
	}
}

// Of a cache that is only looked for, none is made.
func TestCacheIsOnlyLookedFor(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "cache")
	s := &Session{Caller: &Caller{Getenv: os.Getenv, Settings: Settings{CacheDir: dir}}, opening: OpenOptions{OnlyExistingCache: true}}
	if dir := s.OpenCache("location"); dir != "" {
		t.Errorf("got %s, want none", dir)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("got %v, want nothing made", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, locationHash("location")), 0o700); err != nil {
		t.Fatal(err)
	}
	if dir := s.OpenCache("location"); dir == "" {
		t.Error("the cache was not found")
	}
}
