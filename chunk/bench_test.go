package chunk_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"io"
	"testing"

	"firn/chunk"
)

// keyed names blobs at the cost of a repository's IDs.
func keyed(kind chunk.Kind, plain []byte) (id chunk.ID) {
	h := hmac.New(sha256.New, make([]byte, 32))
	h.Write([]byte{byte(kind)})
	h.Write(plain)
	h.Sum(id[:0])
	return id
}

func benchmarkSplitter(b *testing.B, image []byte, parent *chunk.List) {
	b.SetBytes(int64(len(image)))
	b.ReportAllocs()
	for b.Loop() {
		s := chunk.NewSplitter(bytes.NewReader(image), standard, parent, keyed)
		for {
			_, err := s.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

// keyedList returns the list of an image with the IDs that keyed gives.
func keyedList(b *testing.B, image []byte) *chunk.List {
	b.Helper()
	plain := cut(b, image, standard, nil)
	var list chunk.List
	for i, e := range plain.Entries {
		e.ID = keyed(chunk.Data, image[plain.Offset(i):][:e.Span])
		list.Append(e)
	}
	return &list
}

func BenchmarkSplitter(b *testing.B) {
	b.Run("Noise", func(b *testing.B) { benchmarkSplitter(b, noise(1, 32<<20), nil) })
	b.Run("Pages", func(b *testing.B) { benchmarkSplitter(b, pages(1, 8<<10), nil) })
	b.Run("Unchanged", func(b *testing.B) {
		image := pages(1, 8<<10)
		benchmarkSplitter(b, image, keyedList(b, image))
	})
	b.Run("PagesChanged", func(b *testing.B) { // one in a hundred
		image := pages(1, 8<<10)
		parent := keyedList(b, image)
		for at := 0; at < len(image); at += 100 * 4096 {
			copy(image[at:], noise(uint64(at), 500))
		}
		benchmarkSplitter(b, image, parent)
	})
	b.Run("AllChanged", func(b *testing.B) {
		image := pages(1, 8<<10)
		parent := keyedList(b, image)
		for at := 0; at < len(image); at += 4096 {
			image[at+4095]++
		}
		benchmarkSplitter(b, image, parent)
	})
}

func BenchmarkBuild(b *testing.B) {
	list := entries(1, 100_000)
	b.SetBytes(int64(list.Len() * 40))
	for b.Loop() {
		if _, err := chunk.Build(list, keyed, func(chunk.NewNode) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
