package sqlite_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"firn/internal/dbtest"
	"firn/sqlite"
)

func TestMain(m *testing.M) {
	if err := sqlite.Harden(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	personMain()
	dbtest.Main()
	restoreMain()
	sqlWriterMain()
	os.Exit(m.Run())
}

// newDB makes a database in a folder of its own.
func newDB(t testing.TB, o dbtest.Options) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "app.db")
	dbtest.Create(t, path, o)
	return path
}

// readImage takes an image and returns its bytes.
func readImage(t testing.TB, path string, o sqlite.Options) []byte {
	t.Helper()
	image := openImage(t, path, o)
	b := readAll(t, image)
	if err := image.Close(); err != nil {
		t.Fatalf("close image: %v", err)
	}
	if got, want := int64(len(b)), image.Info().Size; got != want {
		t.Fatalf("bytes read: got %d, want %d", got, want)
	}
	return b
}

func readAll(t testing.TB, r io.Reader) []byte {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("read image: %v", err)
	}
	return b
}

// openImage opens an image and closes it at the end of the test.
func openImage(t testing.TB, path string, o sqlite.Options) *sqlite.Image {
	t.Helper()
	image, err := sqlite.Open(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { image.Close() })
	return image
}

// content returns the bytes of the database file after all of the WAL was written to it.
func content(t testing.TB, path string) []byte {
	t.Helper()
	db := dbtest.Open(t, path)
	dbtest.Exec(t, db, "PRAGMA wal_checkpoint(TRUNCATE)")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return readFile(t, path)
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// writeFile writes an image to path, or into a folder of its own if path is empty.
func writeFile(t testing.TB, path string, b []byte) string {
	t.Helper()
	if path == "" {
		path = filepath.Join(t.TempDir(), "image.db")
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// checkSame compares two databases byte for byte.
func checkSame(t testing.TB, what string, got, want []byte) {
	t.Helper()
	if bytes.Equal(got, want) {
		return
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Errorf("%s: got %d bytes, want %d, the first difference is at %d", what, len(got), len(want), i)
			return
		}
	}
	t.Errorf("%s: got %d bytes, want %d", what, len(got), len(want))
}

// folder returns the names of the files in a folder, with their content, except that of the -shm file.
func folder(t testing.TB, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		if filepath.Ext(path) == ".db-shm" || !entry.Type().IsRegular() { // readers leave their marks in the -shm file
			files[entry.Name()] = entry.Type().String()
			continue
		}
		files[entry.Name()] = string(readFile(t, path))
	}
	return files
}
