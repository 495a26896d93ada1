package repo_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"firn/repo"
)

// sparse is a file in memory. Bytes that were not written are wrong.
type sparse []byte

func newSparse(n int) sparse { return bytes.Repeat([]byte{0xee}, n) }

func (s sparse) WriteAt(p []byte, off int64) (int, error) { return copy(s[off:], p), nil }

// over returns the seed after the ranges were taken from the file.
func (s sparse) over(seed []byte, ranges [][2]int64) []byte {
	b := make([]byte, len(s))
	copy(b, seed)
	for _, r := range ranges {
		copy(b[r[0]:r[1]], s[r[0]:r[1]])
	}
	return b
}

// TestAssembler assembles images from seeds that are nearly the same: a neighbour, a longer and a shorter one, one whose
// content has moved, and an empty one.
func TestAssembler(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	image := pages(5, 400)
	s := w.take(t, "production", image)
	r := open(t, w.st)
	reader, err := r.OpenImage(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	for n, seed := range [][]byte{
		image,
		touch(image, 6, 8),
		append(bytes.Clone(image), pages(7, 60)...),
		image[:150*4096+17],
		slices.Concat(pages(8, 3)[:5000], image),
		{},
	} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			for name, expect := range map[string]func(*repo.Assembler, io.WriterAt) error{
				"Nothing": func(*repo.Assembler, io.WriterAt) error { return nil },
				"Head":    func(f *repo.Assembler, file io.WriterAt) error { return f.Head(t.Context(), 4096, file) },
				"Itself":  func(f *repo.Assembler, file io.WriterAt) error { return f.Prefetch(t.Context(), reader, file) },
			} {
				f, file := reader.Assembler(), newSparse(len(image))
				err := expect(f, file)
				if err != nil {
					t.Fatal(err)
				}
				if name == "Head" && !bytes.Equal(file[:4096], image[:4096]) {
					t.Error("the head is not in the file")
				}
				ranges, err := f.Differing(t.Context(), bytes.NewReader(seed), file)
				if err != nil || !bytes.Equal(file.over(seed, ranges), image) {
					t.Errorf("%s: got another image from %v, %v", name, ranges, err)
				}
				for i := 1; i < len(ranges); i++ {
					if ranges[i-1][1] >= ranges[i][0] {
						t.Errorf("ranges that touch: %v", ranges)
					}
				}
				if err := f.Complete(t.Context(), file); err != nil || !bytes.Equal(file, image) {
					t.Errorf("%s: got another image when all was fetched, %v", name, err)
				}
			}
			f, file := reader.Assembler(), newSparse(len(image))
			if err := f.CompleteFrom(t.Context(), bytes.NewReader(seed), file); err != nil || !bytes.Equal(file, image) {
				t.Errorf("with what is the same: got another image, %v", err)
			}
		})
	}
}

// TestAssemblerFetches counts the bytes that are read for a seed with few differing pages: no more than their chunks, and
// none if these were prefetched.
func TestAssemblerFetches(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	image := pages(5, 3000) // 12 MB
	seed := touch(image, 6, 5)
	other, s := w.take(t, "demo", seed), w.take(t, "production", image)
	counter := &weighed{Store: w.st}
	r := open(t, counter)
	reader, err := r.OpenImage(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	like, err := r.OpenImage(t.Context(), other)
	if err != nil {
		t.Fatal(err)
	}
	fetched := func(f *repo.Assembler, file sparse) int64 {
		before := counter.bytes.Load()
		ranges, err := f.Differing(t.Context(), bytes.NewReader(seed), file)
		if err != nil || !bytes.Equal(file.over(seed, ranges), image) {
			t.Fatalf("got another image, %v", err)
		}
		return counter.bytes.Load() - before
	}
	unexpected := fetched(reader.Assembler(), newSparse(len(image)))
	if unexpected == 0 || unexpected > int64(len(image))/10 {
		t.Errorf("5 pages of 3000: got %d bytes fetched", unexpected)
	}
	f, file := reader.Assembler(), newSparse(len(image))
	if err := f.Prefetch(t.Context(), like, file); err != nil {
		t.Fatal(err)
	}
	if got := fetched(f, file); got != 0 {
		t.Errorf("when they were expected: got %d bytes fetched", got)
	}
	f, file = reader.Assembler(), newSparse(len(image))
	ranges, err := f.DifferingFrom(t.Context(), like, file)
	if err != nil || len(ranges) == 0 || !bytes.Equal(file.over(seed, ranges), image) {
		t.Errorf("of a seed that is known: got another image from %v, %v", ranges, err)
	}
}

// TestAssemblerDamage asks for a chunk that the store has no more.
func TestAssemblerDamage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	image := pages(5, 300)
	s := w.take(t, "production", image)
	r := open(t, w.st)
	reader, err := r.OpenImage(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	losePacks(t, w.st)
	same, file := bytes.NewReader(image), newSparse(len(image))
	if ranges, err := reader.Assembler().Differing(t.Context(), same, file); len(ranges) != 0 || err != nil {
		t.Errorf("nothing is needed: got %v, %v", ranges, err)
	}
	var corrupt *repo.CorruptError
	differing := bytes.NewReader(touch(image, 1, 1))
	if ranges, err := reader.Assembler().Differing(t.Context(), differing, file); !errors.As(err, &corrupt) {
		t.Errorf("got %v, %v, want a CorruptError", ranges, err)
	}
}

// BenchmarkAssembler compares an image with a seed.
func BenchmarkAssembler(b *testing.B) {
	w := newWorld(b)
	seed := touch(benchImage, 1, 20)
	r := open(b, w.st)
	reader, err := r.OpenImage(b.Context(), take(b, r, "production", benchImage))
	if err != nil {
		b.Fatal(err)
	}
	file := newSparse(len(benchImage))
	b.SetBytes(int64(len(benchImage)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := reader.Assembler().Differing(b.Context(), bytes.NewReader(seed), file); err != nil {
			b.Fatal(err)
		}
	}
}
