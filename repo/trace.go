package repo

import (
	"context"
	"io"
	"time"

	"firn/chunk"
	"firn/snapshot"
)

// TracedImage is a [SourceImage] that knows which bytes its database engine has written.
type TracedImage interface {
	SourceImage
	// Trace returns a trace of the changes since a snapshot; nil in every case of doubt. It is called before the first Read.
	Trace(since *snapshot.Snapshot) Trace
}

// Trace finds bytes that differ between two images, and that the database engine has not written.
type Trace interface {
	// Compare is given bytes of the image, and those that the snapshot has from the same offset on, which may be more or
	// fewer. Several goroutines call it at once, for all bytes that differ. It keeps no slice.
	Compare(offset int64, was, is []byte)
	// Findings describes what was found until a time, each finding in a few words. stored is the snapshot's image.
	Findings(stored io.ReaderAt, size int64, until time.Time) []string
}

// trace returns the trace of an image since the parent; nil for none.
func (b *backup) trace(image SourceImage) Trace {
	traced, _ := image.(TracedImage)
	if traced == nil || b.base == nil || image.Describe().Export != b.parent.Image().Export {
		return nil
	}
	return traced.Trace(b.parent)
}

// traces reports whether a named chunk is traced: the parent does not have it at its place.
func (l *pipeline) traces(c chunk.Chunk) bool {
	return l.trace != nil && !hasAt(l.parentLevel(0), c.Offset, chunk.Entry{ID: c.ID, Span: c.Span})
}

// compare traces the bytes of a chunk. Where the parent's bytes cannot be read, nothing is claimed.
func (l *pipeline) compare(ctx context.Context, c chunk.Chunk, is []byte) {
	for at, e := range l.parentLevel(0).Within(c.Offset, c.Span) {
		if was, err := l.bases.chunk(ctx, nil, e); err == nil {
			from := max(c.Offset, at)
			l.trace.Compare(int64(from), was[from-at:], is[from-c.Offset:])
		}
	}
}

// findings describes what the trace of an image has found.
func (l *pipeline) findings(ctx context.Context, until time.Time) []string {
	if l.trace == nil {
		return nil
	}
	stored := &ImageReader{repo: l.repo, reader: l.bases, tree: l.base}
	return l.trace.Findings(stored.At(ctx), stored.Size(), until)
}
