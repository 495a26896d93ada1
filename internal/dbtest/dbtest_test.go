package dbtest_test

import (
	"os"
	"path/filepath"
	"testing"

	"firn/internal/dbtest"
)

func TestMain(m *testing.M) {
	dbtest.Main()
	os.Exit(m.Run())
}

func TestSameSeedSameDatabase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var files [2][]byte
	for i, name := range []string{"a.db", "b.db"} {
		path := filepath.Join(dir, name)
		dbtest.Create(t, path, dbtest.Options{Seed: 7})
		dbtest.Mutate(t, path, 8, 50)
		dbtest.CheckInvariant(t, path)
		dbtest.Integrity(t, path)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[i] = b
	}
	if string(files[0]) != string(files[1]) {
		t.Error("two databases of one seed differ")
	}
	if got := len(files[0]); got < 200_000 || got > 2_000_000 {
		t.Errorf("size: got %d bytes, want some hundred thousand", got)
	}
}

func TestWriter(t *testing.T) {
	t.Parallel()
	for _, wal := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "a.db")
		dbtest.Create(t, path, dbtest.Options{WAL: wal})
		dbtest.StartWriter(t, path, 1).Kill()
		dbtest.CheckInvariant(t, path)
		dbtest.Integrity(t, path)
	}
}
