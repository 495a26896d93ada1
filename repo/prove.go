package repo

import (
	"context"
	"io"
	"iter"

	"firn/snapshot"
)

// HeldImage is a [SourceImage] that may be read again after its last byte was read, in any order, for as long as it is held.
type HeldImage interface {
	SourceImage
	io.ReaderAt // for several goroutines at once
	// Hold is called before the first Read. It asks for ReadAt after the last one.
	Hold()
	// Held reports, after the last Read, whether ReadAt can be used.
	Held() bool
	// Release ends that, and lets go of what is held up. It may be called more than once, and before Close.
	Release() error
}

// Change is a new image, and an older one that it continues.
type Change struct {
	Parent *snapshot.Snapshot // of the older image; nil for none
	Same   bool               // both images are the same; the fields below are not set
	Image  io.ReaderAt        // the new image
	Size   int64              // its bytes
	Dear   bool               // Image is read from the store, and is not meant to be read whole

	Older     io.ReaderAt             // nil if Parent is nil, or too much differs
	OlderSize int64                   // its bytes
	Differing iter.Seq2[int64, int64] // the ranges outside of which both images are the same
}

// ProveFunc looks at a new image before its snapshot is recorded, and says what the record is to tell of it; nil for nothing. It
// must not keep the readers. The database may be held up meanwhile as far as a reader holds it up, and the store is not waited
// for, but for bytes of the older image that are rarely needed.
type ProveFunc func(ctx context.Context, c *Change) *snapshot.Verification

// prove has the caller look at the image, if it can be read.
func (b *backup) prove(ctx context.Context, o *observer) {
	if o == nil || b.record.Image().Export == snapshot.ExportStream {
		return
	}
	if same := b.sameImage(); same != nil {
		b.proveSame(ctx, same)
		return
	}
	c := &Change{Parent: b.parent, Size: b.record.Image().Size}
	if o.claim() {
		c.Image = o.held
	}
	b.compareWithParent(ctx, o, c)
	if c.Image != nil {
		b.record.SetProof(b.opts.Prove(ctx, c))
	}
}

// sameImage returns the snapshot that has the same image as the new one, nil for none.
func (b *backup) sameImage() *snapshot.Snapshot {
	for _, s := range []*snapshot.Snapshot{b.previous, b.parent} {
		if s != nil && s.Image().Root == b.record.Image().Root {
			return s
		}
	}
	return nil
}

// proveSame records what is known of a snapshot with the same image.
func (b *backup) proveSame(ctx context.Context, same *snapshot.Snapshot) {
	if b.opts.Prove != nil && b.opts.copied == nil {
		b.record.SetProof(b.opts.Prove(ctx, &Change{Parent: same, Same: true}))
	}
}

// compareWithParent completes a change by the older image. If the new one cannot be read again, its bytes are those of the older
// one and those that were kept. That is not for stores where reading is dear.
func (b *backup) compareWithParent(ctx context.Context, o *observer, c *Change) {
	if o.changes == nil {
		return
	}
	settled, ok := o.changes.Settle(differing(b.base.Chunks(), b.tree.Chunks()))
	if !ok || c.Image == nil && (o.held != nil || b.repo.packs != nil) {
		return
	}
	stored := (&ImageReader{repo: b.repo, reader: b.nodes(), tree: b.base}).At(ctx)
	c.OlderSize = stored.Size()
	if c.Image == nil {
		c.Image, c.Dear = settled.Young(stored, c.Size), true
	}
	c.Older, c.Differing = settled.Older(c.Image, stored, c.OlderSize), settled.Differing()
}

// proof returns what the original's record and notes say of the database in its image; nil for nothing. The copy has the same
// bytes. A chain of proofs begins at a snapshot that the target need not have.
func (c *copied) proof() *snapshot.Verification {
	known := c.original.Verified
	if known == nil || !known.OfDatabase() {
		return nil
	}
	v := *known
	v.Since, v.Whole = snapshot.ID{}, v.Checked()
	return &v
}
