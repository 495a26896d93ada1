package chunk_test

import (
	"testing"

	"firn/chunk"
)

// listOf returns a list of entries with these spans; the first byte of an ID is its index.
func listOf(spans ...uint64) chunk.List {
	var l chunk.List
	for i, span := range spans {
		l.Append(chunk.Entry{ID: chunk.ID{byte(i)}, Span: span})
	}
	return l
}

func TestListOffsets(t *testing.T) {
	t.Parallel()
	l := listOf(10, 20, 5)
	if l.Len() != 3 || l.Size() != 35 {
		t.Errorf("%d entries of %d bytes, want 3 of 35", l.Len(), l.Size())
	}
	for i, want := range []uint64{0, 10, 30, 35} {
		if got := l.Offset(i); got != want {
			t.Errorf("Offset(%d) = %d, want %d", i, got, want)
		}
	}
	for offset, want := range map[uint64]int{0: 0, 9: 0, 10: 1, 29: 1, 30: 2, 34: 2, 35: 3, 1 << 60: 3} {
		if got := l.At(offset); got != want {
			t.Errorf("At(%d) = %d, want %d", offset, got, want)
		}
	}
	empty := chunk.List{}
	if empty.Len() != 0 || empty.Size() != 0 || empty.Offset(0) != 0 || empty.At(0) != 0 {
		t.Error("the zero List is not the empty list")
	}
}

func TestListOverlap(t *testing.T) {
	t.Parallel()
	l := listOf(10, 20, 5, 5)
	for _, test := range []struct {
		offset, span uint64
		want         int // -1: none
	}{
		{0, 10, 0}, {0, 1, 0}, {9, 1, 0}, {10, 1, 1},
		{5, 10, 0}, // the first of equals
		{6, 10, 1}, // one byte more
		{0, 40, 1}, // the largest
		{29, 3, 2}, // one of 1, two of 2
		{30, 10, 2}, {31, 9, 3}, {39, 1, 3}, {39, 100, 3},
		{40, 1, -1}, {100, 10, -1}, {0, 0, -1}, {15, 0, -1},
	} {
		if got := l.Overlap(test.offset, test.span); got != test.want {
			t.Errorf("Overlap(%d, %d) = %d, want %d", test.offset, test.span, got, test.want)
		}
	}
	empty := chunk.List{}
	if empty.Overlap(0, 10) >= 0 {
		t.Error("something overlaps with an empty list")
	}
}
