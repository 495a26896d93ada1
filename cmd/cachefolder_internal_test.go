package cmd

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
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
	var out bytes.Buffer
	c := newCLI(Streams{Out: &out, Err: &out})
	dir := c.openCache(home) // named by a location that no repository has
	if dir != "" {
		t.Cleanup(func() { os.Remove(dir) })
	}
	if strings.HasPrefix(dir, home) {
		t.Errorf("got %s, below the home of another user", dir)
	}
	if entries, err := os.ReadDir(home); err != nil || len(entries) > 0 {
		t.Errorf("got %v, %v in the home of another user", entries, err)
	}
	if out.Len() > 0 {
		t.Errorf("got %q, want nothing said", out.String())
	}
}

// Of a cache that is only looked for, none is made.
func TestCacheIsOnlyLookedFor(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	c := newCLI(Streams{Out: &out, Err: &out})
	c.onlyExistingCache, c.flags.cacheDir = true, filepath.Join(t.TempDir(), "cache")
	if dir := c.openCache("location"); dir != "" {
		t.Errorf("got %s, want none", dir)
	}
	if _, err := os.Stat(c.flags.cacheDir); !os.IsNotExist(err) {
		t.Errorf("got %v, want nothing made", err)
	}
	if err := os.MkdirAll(filepath.Join(c.flags.cacheDir, locationHash("location")), 0o700); err != nil {
		t.Fatal(err)
	}
	if dir := c.openCache("location"); dir == "" {
		t.Error("the cache was not found")
	}
}
