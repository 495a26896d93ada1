package chunk

import (
	"iter"
	"slices"
	"sort"
)

// List is a sequence of entries that cover an image, or one level of its tree,
// from the first byte to the last. Build it with [List.Append].
type List struct {
	Entries []Entry
	ends    []uint64 // ends[i] is the offset after Entries[i]
}

// Grow makes room for n more entries.
func (l *List) Grow(n int) {
	l.Entries = slices.Grow(l.Entries, n)
	l.ends = slices.Grow(l.ends, n)
}

// Append adds an entry at the end of the list.
func (l *List) Append(e Entry) {
	l.Entries = append(l.Entries, e)
	l.ends = append(l.ends, l.Size()+e.Span)
}

// Len returns the number of entries.
func (l *List) Len() int { return len(l.Entries) }

// Size returns the bytes of the image that the list covers.
func (l *List) Size() uint64 {
	if len(l.ends) == 0 {
		return 0
	}
	return l.ends[len(l.ends)-1]
}

// Offset returns where entry i begins in the image; i may be Len, for the end.
func (l *List) Offset(i int) uint64 {
	if i == 0 {
		return 0
	}
	return l.ends[i-1]
}

// At returns the index of the entry that covers offset, Len past the end.
func (l *List) At(offset uint64) int {
	return sort.Search(len(l.ends), func(i int) bool { return l.ends[i] > offset })
}

// Within yields the entries that share bytes with the span at offset, with their own offsets.
func (l *List) Within(offset, span uint64) iter.Seq2[uint64, Entry] {
	return func(yield func(uint64, Entry) bool) {
		for i := l.At(offset); i < len(l.Entries) && l.Offset(i) < offset+span; i++ {
			if !yield(l.Offset(i), l.Entries[i]) {
				return
			}
		}
	}
}

// Overlap returns the index of the entry that shares most bytes with the span at
// offset, the first of equals; -1 when none shares any.
func (l *List) Overlap(offset, span uint64) int {
	best, most := -1, uint64(0)
	for i := l.At(offset); i < len(l.Entries) && l.Offset(i) < offset+span; i++ {
		shared := min(l.ends[i], offset+span) - max(l.Offset(i), offset)
		if shared > most {
			best, most = i, shared
		}
	}
	return best
}
