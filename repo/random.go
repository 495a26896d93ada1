package repo

import (
	"context"
	"io"
	"sync"

	"firn/chunk"
)

// How many bytes of the image [RandomReader] fetches at once for one who reads on
// and on: more with every time, but less than what stays in memory (recentBytes).
const (
	aheadLeast = 256 << 10
	aheadMost  = 4 << 20
)

// RandomReader reads an image anywhere, and fetches only the chunks that it is
// asked for, or is about to be: who reads on and on is read ahead of. It is safe
// for concurrent use, but of the readers of one [Repo] only one may be used at once.
type RandomReader struct {
	ctx   context.Context // io.ReaderAt is given none
	image *ImageReader

	mu    sync.Mutex
	index int    // of the chunk that was read last, -1 before the first
	plain []byte // of it
	ahead uint64 // how many bytes were fetched with it
}

// At returns a reader of any part of the image. The context governs its reads.
func (i *ImageReader) At(ctx context.Context) *RandomReader {
	return &RandomReader{ctx: ctx, image: i, index: -1}
}

// Size returns the length of the image in bytes.
func (r *RandomReader) Size() int64 { return r.image.Size() }

// ReadAt implements [io.ReaderAt]. It fails as [ImageReader.Copy] does.
func (r *RandomReader) ReadAt(p []byte, off int64) (n int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	chunks := r.image.tree.Chunks()
	for n < len(p) {
		at := uint64(off) + uint64(n)
		index := chunks.At(at)
		if index == chunks.Len() {
			return n, io.EOF
		}
		if err := r.seek(index); err != nil {
			return n, err
		}
		n += copy(p[n:], r.plain[at-chunks.Offset(index):])
	}
	return n, nil
}

// seek makes a chunk the current one.
func (r *RandomReader) seek(index int) error {
	if index == r.index {
		return nil
	}
	r.ahead = min(max(2*r.ahead, aheadLeast), aheadMost)
	if index != r.index+1 {
		r.ahead = 0
	}
	chunks := r.image.tree.Chunks()
	end := chunks.At(chunks.Offset(index) + r.ahead)
	plain, err := r.fetch(chunks.Entries[index:max(end, index+1)])
	if err != nil {
		return err
	}
	r.index, r.plain = index, plain
	return nil
}

// fetch returns the first of the chunks; the others will be remembered.
func (r *RandomReader) fetch(chunks []chunk.Entry) ([]byte, error) {
	repo := r.image.repo
	plain, err := r.fetchOnce(chunks)
	if !isDamage(err) {
		return plain, err
	}
	// A prune may have moved it to another pack.
	if afresh := repo.refresh(r.ctx); afresh != nil {
		return nil, err
	}
	return r.fetchOnce(chunks[:1])
}

func (r *RandomReader) fetchOnce(chunks []chunk.Entry) ([]byte, error) {
	reader := r.image.repo.reader
	if _, ok := reader.remembered(chunks[0].ID); ok || len(chunks) == 1 {
		return r.image.chunk(r.ctx, nil, chunks[0])
	}
	ids := make([]chunk.ID, len(chunks))
	for i, c := range chunks {
		ids[i] = c.ID
	}
	held, stop := reader.gather(r.ctx, ids)
	defer stop()
	for i := len(chunks) - 1; i > 0; i-- {
		if _, err := r.image.chunk(r.ctx, held, chunks[i]); err != nil {
			break // who comes to it will see
		}
	}
	return r.image.chunk(r.ctx, held, chunks[0])
}
