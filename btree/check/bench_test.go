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

// BenchmarkSQLite runs SQLite's own check on the same database.
func BenchmarkSQLite(b *testing.B) {
	path := *database
	if path == "" {
		path = filepath.Join(b.TempDir(), "a.db")
		dbtest.Create(b, path, dbtest.Options{Rows: 20_000})
	}
	db := dbtest.Open(b, path)
	defer db.Close()
	for b.Loop() {
		var found string
		if err := db.QueryRow("PRAGMA integrity_check").Scan(&found); err != nil || found != "ok" {
			b.Fatal(found, err)
		}
	}
}

var older = flag.String("older", "", "sound older state of -database, for BenchmarkDifference")

// BenchmarkDifference proves a database by its difference from an older state:
//
//	go test ./btree/check -run - -bench Difference -args -database FILE -older FILE
func BenchmarkDifference(b *testing.B) {
	path, old := *database, *older
	if path == "" || old == "" {
		path, old = filepath.Join(b.TempDir(), "a.db"), filepath.Join(b.TempDir(), "b.db")
		dbtest.Create(b, path, dbtest.Options{Rows: 20_000})
		if err := os.WriteFile(old, read(b, path), 0o600); err != nil {
			b.Fatal(err)
		}
		dbtest.Mutate(b, path, 1, 100)
	}
	images := [2][]byte{read(b, old), read(b, path)}
	size := int64(pageSize(images[1]))
	var ranges [][2]int64
	for from, to := range cover(images[0], images[1], size) {
		ranges = append(ranges, [2]int64{from, to})
	}
	all := func(yield func(int64, int64) bool) {
		for _, r := range ranges {
			if !yield(r[0], r[1]) {
				return
			}
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		r, err := check.Difference(b.Context(), imageOf(images[0]), imageOf(images[1]), all, check.Options{})
		if err != nil || len(r.Findings) > 0 || r.Full != "" {
			b.Fatal(r, err)
		}
	}
	b.ReportMetric(float64(len(ranges)), "pages")
}
