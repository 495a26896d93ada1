package check_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"firn/btree/check"
	"firn/internal/dbtest"
)

var database = flag.String("database", "", "database that benchmarks read; empty for one of some megabytes")

// BenchmarkCheck checks a whole database:
//
//	go test ./btree/check -run - -bench Check -args -database FILE
func BenchmarkCheck(b *testing.B) {
	path := *database
	if path == "" {
		path = filepath.Join(b.TempDir(), "a.db")
		dbtest.Create(b, path, dbtest.Options{Rows: 20_000})
	}
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(info.Size())
	b.ReportAllocs()
	for b.Loop() {
		r, err := check.Check(b.Context(), f, info.Size(), check.Options{})
		if err != nil || len(r.Findings) > 0 {
			b.Fatal(r, err)
		}
	}
}
