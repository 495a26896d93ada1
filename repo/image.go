package repo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"

	"firn/chunk"
	"firn/snapshot"
)

// ImageReader gives an image back. It is for one goroutine at a time; several of them,
// and all else that its [Repo] does, may run at once.
type ImageReader struct {
	repo   *Repo
	reader *blobReader
	tree   *chunk.Tree
}

// OpenImage returns a reader of a snapshot's image. Every byte that it returns was
// checked against the IDs that the snapshot's root stands for.
func (r *Repo) OpenImage(ctx context.Context, s *snapshot.Snapshot) (*ImageReader, error) {
	inv, err := r.sharedInventory(ctx, withNodes)
	if err != nil {
		return nil, err
	}
	i := &ImageReader{repo: r, reader: r.newReader(inv)}
	i.tree, err = i.reader.loadTree(ctx, s)
	if isDamage(err) && ctx.Err() == nil {
		// The inventory may be behind, or a prune has just moved blobs: look again.
		i.tree, err = i.loadTreeAfresh(ctx, s)
	}
	if err != nil {
		return nil, fmt.Errorf("snapshot %s: %w", s.ID.Short(), err)
	}
	return i, nil
}

// refresh lists the packs anew. None of the reader's goroutines may run.
func (i *ImageReader) refresh(ctx context.Context) error {
	inv, err := i.repo.freshInventory(ctx, withNodes)
	if err == nil {
		i.reader = i.repo.newReader(inv)
	}
	return err
}

func (i *ImageReader) loadTreeAfresh(ctx context.Context, s *snapshot.Snapshot) (*chunk.Tree, error) {
	if err := i.refresh(ctx); err != nil {
		return nil, err
	}
	return i.reader.loadTree(ctx, s)
}

// loadTree reads the tree of a snapshot's image.
func (b *blobReader) loadTree(ctx context.Context, s *snapshot.Snapshot) (*chunk.Tree, error) {
	image := s.Image()
	tree, err := chunk.Load(image.Root, image.Levels, uint64(image.Size), uint64(s.Chunks), func(ids []chunk.ID) ([][]byte, error) {
		return b.readAll(ctx, ids)
	})
	if errors.Is(err, chunk.ErrTree) {
		err = &CorruptError{Kind: "blob", Name: image.Root.String(), Err: err}
	}
	if err != nil {
		return nil, fmt.Errorf("read list of chunks: %w", err)
	}
	return tree, nil
}

// available reports whether a new snapshot may rely on every blob of the tree.
func (i *inventory) available(tree *chunk.Tree) bool {
	for id := range tree.IDs() {
		if !i.index.Available(id) {
			return false
		}
	}
	return true
}

// Size returns the length of the image in bytes.
func (i *ImageReader) Size() int64 { return int64(i.tree.Chunks().Size()) }

// Copy writes the whole image to w. Chunks are fetched and decoded in parallel
// and written in order. After an error w may have got a part of the image.
func (i *ImageReader) Copy(ctx context.Context, w io.Writer) error {
	chunks := i.tree.Chunks().Entries
	buffers := newBuffers(chunks)
	return i.pass(ctx, chunks, outlet{
		read: func(ctx context.Context, ready *batch, e chunk.Entry) ([]byte, error) {
			plain, err := i.reader.readInto(ctx, ready, e.ID, buffers.get())
			if err != nil {
				return nil, err
			}
			return plain, spans(plain, e)
		},
		write: func(plain []byte, _ uint64) error {
			defer buffers.put(plain)
			return writeImage(w, plain)
		},
	})
}

// buffers are lent for the plaintexts of chunks, and come back when these are written.
type buffers struct {
	idle chan []byte
	size int // of each, bytes: that of the largest chunk
}

func newBuffers(chunks []chunk.Entry) *buffers {
	b := &buffers{idle: make(chan []byte, 2*decoding())}
	for _, e := range chunks {
		b.size = max(b.size, int(e.Span)+chunk.DecodeRoom)
	}
	return b
}

func (b *buffers) get() []byte {
	select {
	case buffer := <-b.idle:
		return buffer
	default:
		return make([]byte, 0, b.size)
	}
}

func (b *buffers) put(buffer []byte) {
	select {
	case b.idle <- buffer:
	default:
	}
}

func writeImage(w io.Writer, b []byte) error {
	if _, err := w.Write(b); err != nil {
		return fmt.Errorf("write image: %w", err)
	}
	return nil
}

// outlet is the destination of an image's chunks.
type outlet struct {
	read  func(context.Context, *batch, chunk.Entry) ([]byte, error) // several at once
	write func(b []byte, span uint64) error                          // one after the other, in order
}

// pass hands chunks of the image to the outlet, one after the other.
func (i *ImageReader) pass(ctx context.Context, chunks []chunk.Entry, out outlet) error {
	for again := false; ; again = true {
		n, err := i.passOnce(ctx, chunks, out)
		if !isDamage(err) || again && n == 0 {
			return err
		}
		// A prune may have moved the rest to other packs: look for it once more.
		chunks = chunks[n:]
		if afresh := i.refresh(ctx); afresh != nil {
			return errors.Join(err, afresh)
		}
	}
}

// passOnce returns how many chunks it has handed on.
func (i *ImageReader) passOnce(ctx context.Context, chunks []chunk.Entry, out outlet) (n int, err error) {
	ctx, cancel := context.WithCancel(ctx)
	var fetching sync.WaitGroup
	defer fetching.Wait() // nothing may use the reader after this has returned
	defer cancel()
	for f := range i.fetch(ctx, &fetching, chunks, out.read) {
		b, err := f.wait()
		if err != nil {
			return n, err
		}
		if err := out.write(b, chunks[n].Span); err != nil {
			return n, err
		}
		n++
	}
	return n, ctx.Err()
}

// decoding is how many chunks are decoded before they are written: enough for all
// processors, and for a disk that keeps the writer waiting now and then, which
// takes a twentieth of a restore's time.
func decoding() int { return 2*runtime.GOMAXPROCS(0) + 16 }

// fetched is a chunk that is being fetched.
type fetched struct {
	done  chan struct{}
	bytes []byte
	err   error
}

func (f *fetched) wait() ([]byte, error) {
	<-f.done
	return f.bytes, f.err
}

// fetch starts to read the chunks, and returns the results of read in order. The channel's
// capacity bounds how many chunks are being decoded, and the size of a window how much is
// read ahead of them. fetch ends early with ctx.
func (i *ImageReader) fetch(ctx context.Context, fetching *sync.WaitGroup, chunks []chunk.Entry,
	read func(context.Context, *batch, chunk.Entry) ([]byte, error)) <-chan *fetched {
	ordered := make(chan *fetched, decoding())
	fetching.Go(func() {
		defer close(ordered)
		windows := i.newReadAhead(chunks)
		next := windows.window(ctx, fetching)
		for len(next.chunks) > 0 {
			current := next
			next = windows.window(ctx, fetching)
			for _, e := range current.chunks {
				f := &fetched{done: make(chan struct{})}
				select {
				case ordered <- f:
				case <-ctx.Done():
					return
				}
				fetching.Go(func() {
					defer close(f.done)
					f.bytes, f.err = read(ctx, current.batch, e)
				})
			}
		}
	})
	return ordered
}

// chunk returns the plaintext of one entry.
func (i *ImageReader) chunk(ctx context.Context, ready *batch, e chunk.Entry) ([]byte, error) {
	return i.reader.chunk(ctx, ready, e)
}

func (b *blobReader) chunk(ctx context.Context, ready *batch, e chunk.Entry) ([]byte, error) {
	plain, err := b.readFrom(ctx, ready, e.ID)
	if err != nil {
		return nil, err
	}
	return plain, spans(plain, e)
}

// spans reports a chunk that is not as long as its list says.
func spans(plain []byte, e chunk.Entry) error {
	if uint64(len(plain)) != e.Span {
		return &CorruptError{Kind: "blob", Name: e.ID.String(), Err: fmt.Errorf("%w: its list says %d bytes, it has %d", chunk.ErrTree, e.Span, len(plain))}
	}
	return nil
}
