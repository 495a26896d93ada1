package sqlite_test

import (
	"fmt"
	"io"
	"os"
	"testing"

	"firn/internal/dbtest"
	"firn/sqlite"
)

// benchDB makes a database of some 60 MiB.
func benchDB(b *testing.B, o dbtest.Options) string {
	b.Helper()
	o.Rows = 40_000
	return newDB(b, o)
}

func BenchmarkImage(b *testing.B) {
	for _, size := range []int{4096, 65536} {
		for _, wal := range []bool{true, false} {
			b.Run(fmt.Sprintf("page=%d,wal=%v", size, wal), func(b *testing.B) {
				path := benchDB(b, dbtest.Options{PageSize: size, WAL: wal})
				buffer := make([]byte, 1<<20)
				for b.Loop() {
					image, err := sqlite.Open(b.Context(), path, sqlite.Options{})
					if err != nil {
						b.Fatal(err)
					}
					// Only Read, to measure what a hashing consumer sees.
					n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{image}, buffer)
					if err != nil {
						b.Fatal(err)
					}
					b.SetBytes(n)
					image.Close()
				}
			})
		}
	}
}

// BenchmarkCountRows counts by SELECT.
func BenchmarkCountRows(b *testing.B) {
	path := benchDB(b, dbtest.Options{WAL: true})
	for b.Loop() {
		if _, err := sqlite.CountRows(b.Context(), path); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnchanged(b *testing.B) {
	path := benchDB(b, dbtest.Options{})
	old := fingerprint(b, path)
	for b.Loop() {
		if !unchanged(b, path, old) {
			b.Fatal("changed")
		}
	}
}

// BenchmarkRestore makes a large database equal to an image from which it differs in a few pages.
func BenchmarkRestore(b *testing.B) {
	for _, size := range []int{4096, 65536} {
		b.Run(fmt.Sprintf("page=%d", size), func(b *testing.B) {
			path := benchDB(b, dbtest.Options{PageSize: size, WAL: true})
			app := dbtest.Open(b, path)
			defer app.Close()
			image := readImage(b, path, sqlite.Options{})
			staged := writeFile(b, path+".staged", image)
			defer os.Remove(staged)
			b.SetBytes(int64(len(image)))
			for n := 0; b.Loop(); n++ {
				dbtest.Exec(b, app, "UPDATE posts SET slug = ? WHERE id % 200 = 3", n)
				if _, err := sqlite.Restore(b.Context(), path, staged, sqlite.RestoreOptions{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
