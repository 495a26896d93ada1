package repo

import (
	"context"
	"sync"

	"firn/chunk"
	"firn/index"
)

// How far a restore reads ahead. Two windows and the end of a third are in memory at
// once: so memory is bounded by three times windowSealed, the requests under way, and
// the chunks that are being decoded. Larger windows save requests:
// see docs/design.md, "Restore".
const (
	windowSpan   = 32 << 20 // bytes of the image
	windowSealed = 4 << 20  // sealed bytes of the blobs that it is made of
)

// readAhead reads the blobs of an image before they are decoded. It is for one goroutine.
type readAhead struct {
	reader *blobReader
	chunks []chunk.Entry // that no window has taken yet
	all    demand
}

// window is a run of chunks and the batch that is being read for them.
type window struct {
	chunks []chunk.Entry
	batch  *batch
}

func (i *ImageReader) newReadAhead(chunks []chunk.Entry) *readAhead {
	return &readAhead{reader: i.reader, chunks: chunks, all: i.demand(chunks)}
}

// demand sums up how many bytes of each pack the chunks need. A pack that is read whole for
// this window serves later ones from the cache.
func (i *ImageReader) demand(chunks []chunk.Entry) demand {
	if i.repo.packs == nil {
		return demand{}
	}
	return demandOf(func(yield func(index.Location) bool) {
		for _, e := range chunks {
			for _, l := range i.reader.index().Chain(e.ID) {
				if !yield(l) {
					return
				}
			}
		}
	})
}

// window starts to read the next window, which has no chunks at the end.
func (a *readAhead) window(ctx context.Context, reading *sync.WaitGroup) window {
	var wanted []index.Location
	var span, sealed uint64
	n := 0
	for n < len(a.chunks) && span < windowSpan && sealed < windowSealed {
		e, known := a.chunks[n], len(wanted)
		wanted = a.reader.appendMissing(wanted, e.ID)
		for _, l := range wanted[known:] {
			sealed += uint64(l.Length)
		}
		span += e.Span
		n++
	}
	w := window{chunks: a.chunks[:n]}
	a.chunks = a.chunks[n:]
	w.batch = a.reader.fetch(ctx, reading, wanted, a.all)
	return w
}
