package sqlite_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"firn/internal/dbtest"
	"firn/sqlite"
)

// newBroken makes a file that is no database, with journals beside it, and returns the content of the folder.
func newBroken(t *testing.T) (path string, files map[string]string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "app.db")
	files = map[string]string{"": strings.Repeat("no database ", 100), "-wal": "a WAL", "-journal": "a journal"}
	for suffix, content := range files {
		if err := os.WriteFile(path+suffix, []byte(content), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	return path, files
}

// checkFiles compares the files of a folder with their expected content.
func checkFiles(t *testing.T, path string, files map[string]string) {
	t.Helper()
	for suffix, want := range files {
		if got, err := os.ReadFile(path + suffix); string(got) != want {
			t.Errorf("%s: got %d other bytes, %v", filepath.Base(path)+suffix, len(got), err)
		}
	}
}

func TestRestoreKeepAs(t *testing.T) {
	t.Parallel()
	path, files := newBroken(t)
	image := readImage(t, newDB(t, dbtest.Options{WAL: true}), sqlite.Options{})
	result, err := tryRestore(t, path, image, sqlite.RestoreOptions{KeepAs: path + ".old"})
	if err != nil {
		t.Fatal(err)
	}
	if result.Method != sqlite.MethodFile {
		t.Errorf("method: got %q, want %q", result.Method, sqlite.MethodFile)
	}
	checkFiles(t, path+".old", files)
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o640 {
		t.Errorf("restored file: got %v, %v, want mode 0640", info.Mode(), err)
	}
	if got := readImage(t, path, sqlite.Options{}); !bytes.Equal(got, image) {
		t.Error("got another database than was restored")
	}
	dbtest.Integrity(t, path)
}

// TestRestoreKeepAsRefused tries restores that would lose a file.
func TestRestoreKeepAsRefused(t *testing.T) {
	t.Parallel()
	image := readImage(t, newDB(t, dbtest.Options{}), sqlite.Options{})
	for _, taken := range []string{"", "-wal"} {
		path, files := newBroken(t)
		if err := os.WriteFile(path+".old"+taken, []byte("dear"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := tryRestore(t, path, image, sqlite.RestoreOptions{KeepAs: path + ".old"})
		if !errors.Is(err, fs.ErrExist) {
			t.Errorf("name%s taken: got %v, want %v", taken, err, fs.ErrExist)
		}
		checkFiles(t, path+".old", map[string]string{taken: "dear"})
		if beside, err := filepath.Glob(path + ".old*"); err != nil || len(beside) != 1 {
			t.Errorf("name%s taken: got %v, %v, want one file", taken, beside, err)
		}
		checkFiles(t, path, files)
	}
	folder := t.TempDir()
	if _, err := tryRestore(t, folder, image, sqlite.RestoreOptions{KeepAs: folder + ".old"}); !errors.Is(err, sqlite.ErrNotFile) {
		t.Errorf("folder: got %v, want %v", err, sqlite.ErrNotFile)
	}
	missing := filepath.Join(folder, "missing")
	if _, err := tryRestore(t, missing, image, sqlite.RestoreOptions{KeepAs: missing + ".old"}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: got %v, want %v", err, fs.ErrNotExist)
	}
}
