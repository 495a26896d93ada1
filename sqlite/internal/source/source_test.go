package source_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"firn/internal/dbtest"
	"firn/sqlite/internal/capi"
	"firn/sqlite/internal/source"
)

func TestResolve(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, content := range map[string]string{"empty": "", "short": "short", "app.db": string(make([]byte, 512))} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tests := map[string]error{
		"app.db": nil, "missing": fs.ErrNotExist, "empty": source.ErrEmpty, "short": capi.ErrNotDatabase, ".": source.ErrNotFile,
	}
	for name, want := range tests {
		path, _, err := source.Resolve(filepath.Join(dir, name))
		if !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", name, err, want)
		}
		if err == nil && filepath.Base(path) != name {
			t.Errorf("%s: got path %s", name, path)
		}
	}
}

// TestOpen opens a database in WAL mode that no application has open, and leaves no file behind.
func TestOpen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "app.db")
	dbtest.Create(t, path, dbtest.Options{WAL: true})
	c, still, err := source.Open(t.Context(), path, time.Second, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if mode, err := c.Text("PRAGMA journal_mode"); err != nil || mode != capi.WALMode {
		t.Errorf("journal mode: got %q, %v, want %q", mode, err, capi.WALMode)
	}
	if still != nil {
		t.Error("the owner reads without locks")
	}
	if err := errors.Join(still.Check(), c.Close()); err != nil {
		t.Error(err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("files: got %v, %v, want only the database", entries, err)
	}
}

// TestSidecars refuses a folder in the place of each sidecar.
func TestSidecars(t *testing.T) {
	t.Parallel()
	for _, suffix := range source.Sidecars() {
		path := filepath.Join(t.TempDir(), "app.db")
		dbtest.Create(t, path, dbtest.Options{})
		if err := source.CheckSidecars(path); err != nil {
			t.Errorf("%s: got %v, want nil", suffix, err)
		}
		if err := os.Mkdir(path+suffix, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := source.CheckSidecars(path); !errors.Is(err, source.ErrStrangeSidecar) {
			t.Errorf("%s: got %v, want %v", suffix, err, source.ErrStrangeSidecar)
		}
	}
}
