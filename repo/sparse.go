package repo

import (
	"sort"

	"firn/chunk"
	"firn/snapshot"
)

// SparseImage is a [SourceImage] that knows which bytes have changed since another one was
// taken, so that only these are read.
type SparseImage interface {
	SourceImage
	// Changed returns ranges of bytes, each from the first up to the second number,
	// in order: outside of them the image has the same bytes as the snapshot's. It
	// must report false in every case of doubt. It is called before the first Read;
	// Describe tells the size then.
	Changed(since *snapshot.Snapshot) ([][2]int64, bool)
	// Skip passes over the next n bytes, all of which are outside of the ranges.
	Skip(n int64) error
}

// known returns the chunks of the image that need not be read, because they are the parent's
// and stored; nil if all must be read. The base is the parent's tree.
func (b *backup) known(image SourceImage, base *chunk.Tree) *chunk.Known {
	sparse, ok := image.(SparseImage)
	if !ok || base == nil || b.opts.ForceScan {
		return nil
	}
	// A copier compares stored images, and not a fingerprint that grows old.
	if b.opts.copied == nil && !b.trusted(b.parent.Image(), image) {
		return nil
	}
	changed, ok := sparse.Changed(b.parent)
	if !ok {
		return nil
	}
	return &chunk.Known{
		Size: uint64(sparse.Describe().Size),
		Skip: sparse.Skip,
		Unchanged: func(e chunk.Entry, offset uint64) bool {
			return !touches(changed, int64(offset), int64(offset+e.Span)) && b.inventory.index.Available(e.ID)
		},
	}
}

// touches reports whether any of the ranges has bytes from one place up to another.
func touches(ranges [][2]int64, from, to int64) bool {
	i := sort.Search(len(ranges), func(i int) bool { return ranges[i][1] > from })
	return i < len(ranges) && ranges[i][0] < to
}
