package repo_test

import (
	"bytes"
	"slices"
	"testing"

	"firn/repo"
)

// TestDiffering compares neighbours, one that grew, one whose content has moved,
// and an image with itself.
func TestDiffering(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := pages(5, 400)
	images := [][]byte{
		first,
		touch(first, 6, 8),
		append(bytes.Clone(first), pages(7, 60)...),
		first[:150*4096],
		slices.Concat(pages(8, 3)[:5000], first),
		{},
	}
	var readers []*repo.ImageReader
	r := open(t, w.st)
	for _, image := range images {
		at, err := r.OpenImage(t.Context(), w.take(t, "production", image))
		if err != nil {
			t.Fatal(err)
		}
		readers = append(readers, at)
	}
	for i, a := range images {
		for j, b := range images {
			checkRanges(t, a, b, collect(readers[i], readers[j]))
		}
	}
	if got := collect(readers[0], readers[0]); got != nil {
		t.Errorf("an image and itself: got %v", got)
	}
	if got := total(collect(readers[0], readers[1])); got == 0 || got > int64(len(first))/2 {
		t.Errorf("8 changed pages of 400: got %d bytes", got)
	}
}

func collect(a, b *repo.ImageReader) (ranges [][2]int64) {
	for from, to := range a.Differing(b) {
		ranges = append(ranges, [2]int64{from, to})
	}
	return ranges
}

func total(ranges [][2]int64) (n int64) {
	for _, r := range ranges {
		n += r[1] - r[0]
	}
	return n
}

// checkRanges fails the test unless the ranges are in order, apart, and all that
// differs lies in them.
func checkRanges(t *testing.T, a, b []byte, ranges [][2]int64) {
	t.Helper()
	at := int64(0)
	end := [2]int64{int64(max(len(a), len(b))), int64(max(len(a), len(b)))}
	for _, r := range append(ranges, end) {
		if r[0] < at || r[1] < r[0] || r[1] > end[1] {
			t.Fatalf("images of %d and %d bytes: got ranges %v", len(a), len(b), ranges)
		}
		if !bytes.Equal(part(a, at, r[0]), part(b, at, r[0])) {
			t.Fatalf("images of %d and %d bytes differ between %d and %d: got ranges %v", len(a), len(b), at, r[0], ranges)
		}
		at = r[1]
	}
}

// part is b[from:to], as far as b goes.
func part(b []byte, from, to int64) []byte {
	n := int64(len(b))
	return b[min(from, n):min(to, n)]
}
