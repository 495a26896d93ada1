package check_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"firn/btree/check"
	"firn/internal/dbtest"
)

func TestSound(t *testing.T) {
	t.Parallel()
	for _, o := range []dbtest.Options{{}, {PageSize: 512}, {PageSize: 512, AutoVacuum: 1, Rows: 2000}, {PageSize: 65536, AutoVacuum: 2}, {PageSize: 1024, Rows: 5000}} {
		path := filepath.Join(t.TempDir(), "a.db")
		dbtest.Create(t, path, o)
		dbtest.Mutate(t, path, 1, 100)
		b := read(t, path)
		r, err := check.Check(t.Context(), bytes.NewReader(b), int64(len(b)), check.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Log(len(b), r.Findings, r.Left)
		if len(r.Findings) > 0 {
			t.Error("findings")
		}
	}
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
