package repo

import (
	"iter"

	"firn/chunk"
)

// Differing returns, in order, the ranges [from, to) of bytes outside of which
// both images are the same, as their lists of chunks tell without reading any: a
// chunk that both have at the same place is the same. Where boundaries or lengths
// differ, equal bytes may be inside of the ranges. Both images must be of the same
// repository.
func (i *ImageReader) Differing(other *ImageReader) iter.Seq2[int64, int64] {
	return differing(i.tree.Chunks(), other.tree.Chunks())
}

// differing returns, in order, the ranges outside of which two lists have the same chunks at the same places.
func differing(a, b *chunk.List) iter.Seq2[int64, int64] {
	return func(yield func(from, to int64) bool) {
		from := uint64(0) // of the range that goes on until something is the same
		for n, e := range a.Entries {
			at := a.Offset(n)
			if !hasAt(b, at, e) {
				continue
			}
			if from < at && !yield(int64(from), int64(at)) {
				return
			}
			from = at + e.Span
		}
		if end := max(a.Size(), b.Size()); from < end {
			yield(int64(from), int64(end))
		}
	}
}

// hasAt reports whether a list has an entry at a place.
func hasAt(l *chunk.List, offset uint64, e chunk.Entry) bool {
	n := l.At(offset)
	return n < l.Len() && l.Offset(n) == offset && l.Entries[n] == e
}
