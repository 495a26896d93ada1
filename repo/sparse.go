package repo

import (
	"context"
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

// DistantImage is a [SourceImage] whose bytes are costly to bring here, such as those of a database on another host. It is
// compared where it is, and has the bytes that have not changed from a stored image.
type DistantImage interface {
	SourceImage
	// Differing finds out where the image differs from a snapshot, whose bytes stored gives. If trusted is false, no
	// fingerprint may be relied on. It is called before the first Read, or not at all. After it, Read may use stored
	// for the bytes outside of the differences, and Describe tells the size.
	Differing(ctx context.Context, since *snapshot.Snapshot, trusted bool, stored *ImageReader) (Differences, error)
	// Skip passes over the next n bytes, all of which are outside of the differences.
	Skip(n int64) error
	// Named tells the root of the image's tree, which stands for its bytes. It is called when all were read or skipped.
	Named(root chunk.ID)
}

// Differences are the ranges in which an image differs from another one: each is from the first up to the second number, in
// order. Outside of them the bytes are the same.
type Differences struct {
	Ranges   [][2]int64
	Known    bool // if it is false, all bytes have to be read
	Compared bool // all bytes were compared
}

// known returns the chunks of the image that need not be read, because they are the parent's
// and stored; nil if all must be read. The base is the parent's tree.
func (b *backup) known(ctx context.Context, image SourceImage, base *chunk.Tree) (*chunk.Known, error) {
	if base == nil || b.opts.ForceScan {
		return nil, nil
	}
	var found Differences
	var skip func(n int64) error
	var err error
	switch image := image.(type) {
	case DistantImage:
		found, err = b.compare(ctx, image)
		skip = image.Skip
	case SparseImage:
		// A copier compares stored images, and not a fingerprint that grows old.
		if b.opts.copied != nil || b.trusted(b.parent.Image(), image) {
			found.Ranges, found.Known = image.Changed(b.parent)
		}
		skip = image.Skip
	}
	if err != nil || !found.Known {
		return nil, err
	}
	b.compared = found.Compared
	return &chunk.Known{
		Size: uint64(image.Describe().Size),
		Skip: skip,
		Unchanged: func(e chunk.Entry, offset uint64) bool {
			return !touches(found.Ranges, int64(offset), int64(offset+e.Span)) && b.inventory.index.Available(e.ID)
		},
	}, nil
}

// compare finds out where a distant image differs from the parent. If the parent's image cannot be read, all bytes of the
// distant one are.
func (b *backup) compare(ctx context.Context, image DistantImage) (Differences, error) {
	stored, err := b.repo.OpenImage(ctx, b.parent)
	if err != nil {
		return Differences{}, ctx.Err()
	}
	return image.Differing(ctx, b.parent, b.trusted(b.parent.Image(), image), stored)
}

// touches reports whether any of the ranges has bytes from one place up to another.
func touches(ranges [][2]int64, from, to int64) bool {
	i := sort.Search(len(ranges), func(i int) bool { return ranges[i][1] > from })
	return i < len(ranges) && ranges[i][0] < to
}
