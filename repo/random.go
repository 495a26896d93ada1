package repo

import (
	"context"
	"fmt"
	"io"
	"sync"

	"firn/chunk"
	"firn/snapshot"
)

// How many bytes of the image a [RandomReader] fetches at once while its user reads on and
// on: more every time, but less than what stays in memory (recentBytes).
const (
	readAheadLeast = 256 << 10
	readAheadMost  = 4 << 20
	// A user that leaves out this much reads on all the same.
	readAheadGap = 256 << 10
)

// RandomReader reads an image anywhere. It fetches only the chunks that it is asked for, and
// while its user reads on and on, the chunks that follow. It is safe for concurrent use.
type RandomReader struct {
	ctx    context.Context // io.ReaderAt is given none
	repo   *Repo
	reads  footerReads
	root   chunk.Entry
	height int // of the tree

	mu     sync.Mutex
	reader *blobReader
	chunks *chunk.List         // neighbours in the image, all if the tree is known
	start  uint64              // where they begin in it
	plain  []byte              // of the chunk that was read last
	offset uint64              // of that chunk
	coming map[chunk.ID][]byte // chunks that were fetched with it

	reached   uint64 // the end of the chunks that were fetched last
	readAhead uint64 // how many bytes that was more than was asked for
}

// At returns a reader of any part of the image. The context governs its reads.
func (i *ImageReader) At(ctx context.Context) *RandomReader {
	chunks := i.tree.Chunks()
	return &RandomReader{
		ctx: ctx, repo: i.repo, reader: i.reader, chunks: chunks,
		root: chunk.Entry{ID: i.tree.Root(), Span: chunks.Size()},
	}
}

// ImageAt returns a reader of any part of a snapshot's image, for users that want little of
// it. A query may be this cache's only user: so the reader fetches only the nodes of the
// tree on its path, footers at their exact length, and never a whole small pack. The
// context governs the reads, too.
func (r *Repo) ImageAt(ctx context.Context, s *snapshot.Snapshot) (*RandomReader, error) {
	inv, err := r.sharedInventory(ctx, onDemandOnly)
	if err != nil {
		return nil, err
	}
	image := s.Image()
	if image.Levels < 1 {
		return nil, fmt.Errorf("snapshot %s: %w: height %d", s.ID.Short(), chunk.ErrTree, image.Levels)
	}
	return &RandomReader{
		ctx: ctx, repo: r, reads: onDemandOnly, reader: r.newReader(inv), chunks: &chunk.List{},
		root: chunk.Entry{ID: image.Root, Span: uint64(image.Size)}, height: image.Levels,
	}, nil
}

// Size returns the length of the image in bytes.
func (r *RandomReader) Size() int64 { return int64(r.root.Span) }

// ReadAt implements [io.ReaderAt]. It fails as [ImageReader.Copy] does.
func (r *RandomReader) ReadAt(p []byte, off int64) (n int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for n < len(p) {
		at := uint64(off) + uint64(n)
		if at >= r.root.Span {
			return n, io.EOF
		}
		if at < r.offset || at-r.offset >= uint64(len(r.plain)) {
			if err := r.seek(at); err != nil {
				return n, err
			}
		}
		n += copy(p[n:], r.plain[at-r.offset:])
	}
	return n, nil
}

// seek makes the chunk that covers a byte the current one.
func (r *RandomReader) seek(at uint64) error {
	return r.again(func() error { return r.seekOnce(at) })
}

// again calls a function that reads, and after damage once more with a fresh inventory.
func (r *RandomReader) again(read func() error) error {
	err := read()
	if !isDamage(err) {
		return err
	}
	// A prune may have moved it to another pack.
	inv, afresh := r.repo.freshInventory(r.ctx, r.reads)
	if afresh != nil {
		return err
	}
	r.reader, r.reached = r.repo.newReader(inv), 0
	return read()
}

func (r *RandomReader) seekOnce(at uint64) error {
	if err := r.find(at); err != nil {
		return err
	}
	index := r.chunks.At(at - r.start)
	plain, err := r.fetch(index)
	if err != nil {
		return err
	}
	r.plain, r.offset = plain, r.start+r.chunks.Offset(index)
	return nil
}

// find makes the chunks known among which one covers a byte: it goes down the tree,
// by one node of each level.
func (r *RandomReader) find(at uint64) error {
	if at >= r.start && at-r.start < r.chunks.Size() {
		return nil
	}
	node, start := r.root, uint64(0)
	var below *chunk.List
	for level := r.height; level >= 1; level-- {
		if below != nil {
			i := below.At(at - start)
			node, start = below.Entries[i], start+below.Offset(i)
		}
		plain, err := r.reader.read(r.ctx, node.ID)
		if err != nil {
			return fmt.Errorf("read list of chunks: %w", err)
		}
		if below, err = chunk.ParseNode(level, node, plain); err != nil {
			return &CorruptError{Kind: "blob", Name: node.ID.String(), Err: err}
		}
	}
	r.chunks, r.start = below, start
	return nil
}

// fetch returns a chunk. One that is remembered costs nothing, and does not tell where
// the next one will be missed.
func (r *RandomReader) fetch(index int) ([]byte, error) {
	chunks := r.chunks
	if plain, ok := r.remembered(chunks.Entries[index].ID); ok && uint64(len(plain)) == chunks.Entries[index].Span {
		return plain, nil
	}
	begin := chunks.Offset(index)
	r.readAhead = min(max(2*r.readAhead, readAheadLeast), readAheadMost)
	if missed := r.start + begin; r.reached == 0 || missed < r.reached || missed-r.reached > readAheadGap {
		r.readAhead = 0
	}
	end := max(chunks.At(begin+r.readAhead), index+1)
	plain, err := r.fetchAll(chunks.Entries[index:end])
	if err == nil {
		r.reached = r.start + chunks.Offset(end)
	}
	return plain, err
}

// remembered returns a chunk that this reader was about to be asked for, or that any has
// read not long ago.
func (r *RandomReader) remembered(id chunk.ID) ([]byte, bool) {
	if plain, ok := r.coming[id]; ok {
		return plain, true
	}
	return r.reader.remembered(id)
}

// fetchAll returns the first of the chunks, and keeps the others in this reader: with many
// readers, the plaintexts that all of them remember together may be gone soon.
func (r *RandomReader) fetchAll(chunks []chunk.Entry) ([]byte, error) {
	r.coming = nil
	if len(chunks) == 1 {
		return r.reader.chunk(r.ctx, nil, chunks[0])
	}
	r.coming = make(map[chunk.ID][]byte, len(chunks)-1)
	ids := make([]chunk.ID, len(chunks))
	for i, c := range chunks {
		ids[i] = c.ID
	}
	ready, stop := r.reader.gather(r.ctx, ids)
	defer stop()
	for i := len(chunks) - 1; i > 0; i-- {
		plain, err := r.reader.chunk(r.ctx, ready, chunks[i])
		if err != nil {
			break // the read of that chunk will tell
		}
		r.coming[chunks[i].ID] = plain
	}
	return r.reader.chunk(r.ctx, ready, chunks[0])
}
