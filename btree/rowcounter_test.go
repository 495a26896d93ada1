package btree_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"firn/btree"
	"firn/internal/dbtest"
)

// BenchmarkRowCounter is what counting rows adds to the reading of an image.
func BenchmarkRowCounter(b *testing.B) {
	for _, size := range []int{4096, 65536} {
		b.Run(fmt.Sprintf("page=%d", size), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "app.db")
			dbtest.Create(b, path, dbtest.Options{PageSize: size, Rows: 40_000})
			image, err := os.ReadFile(path)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(image)))
			for b.Loop() {
				c := btree.NewRowCounter(size, int64(len(image)/size))
				c.Add(image)
			}
		})
	}
}
