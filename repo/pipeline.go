package repo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"firn/chunk"
	"firn/pack"
)

// uploadWorkers are workers beyond the processors, so that encoding goes on
// while a full pack is written.
const uploadWorkers = 1

// pipeline turns one image into stored blobs. One goroutine reads and splits,
// workers name, encode, seal and pack; memory is bounded by their number.
type pipeline struct {
	repo     *Repo
	params   chunk.Params
	packer   *packer
	bases    *blobReader // of blobs that are in the repository already
	base     *chunk.Tree // of the parent, nil for none
	idle     chan *worker
	progress func(int64)
	known    *chunk.Known // the chunks that need not be read; nil for none
	observer *observer    // nil for none
	backlog  *backlog
	trace    Trace // compares the chunks with the parent's; nil for no comparison

	scanned int64 // bytes that were read
	done    int64 // bytes that are done with, or that a worker has

	mu        sync.Mutex
	chunks    chunk.List // in order; workers fill in the IDs
	chunksNew int        // how many of them were stored
	added     int64      // bytes of the blobs that were stored, nodes too
}

// newPipeline returns a pipeline of these workers, which several pipelines may use at once.
func newPipeline(r *Repo, workers chan *worker, p *packer, bases *blobReader, base *chunk.Tree, opts BackupOptions) (*pipeline, error) {
	params, err := r.params()
	if err != nil {
		return nil, err
	}
	l := &pipeline{repo: r, params: params, packer: p, bases: bases, base: base, idle: workers, progress: opts.Progress}
	l.backlog = newBacklog(r.opts.TempDir, func() bool { return int(p.waiting.Load()) >= cap(workers) }, opts.HeldUp)
	if base != nil {
		l.chunks.Grow(base.Chunks().Len())
	}
	return l, nil
}

// newWorkers returns idle workers, as many as keep all processors busy.
func newWorkers() (chan *worker, error) {
	n := runtime.GOMAXPROCS(0) + uploadWorkers
	idle := make(chan *worker, n)
	for range n {
		w, err := newWorker()
		if err != nil {
			return nil, err
		}
		idle <- w
	}
	return idle, nil
}

// close removes the chunks that were put aside.
func (l *pipeline) close() { l.backlog.close() }

// run hands the image's new blobs to the packer and returns its tree. The last pack is not stored yet.
func (l *pipeline) run(ctx context.Context, image io.Reader) (*chunk.Tree, error) {
	if err := l.storeChunks(ctx, image); err != nil {
		return nil, err
	}
	tree, err := l.storeNodes(ctx, l.chunks)
	if err != nil {
		return nil, err
	}
	return tree, nil
}

// storeChunks reads the image to its end.
func (l *pipeline) storeChunks(ctx context.Context, image io.Reader) error {
	group, gctx := errgroup.WithContext(ctx)
	l.backlog.of(image)
	err := l.split(gctx, group, image)
	l.observer.wasRead(len(l.backlog.chunks) > 0)
	if err == nil {
		err = l.catchUp(gctx, group)
	}
	if failed := group.Wait(); failed != nil {
		return failed
	}
	return err
}

func (l *pipeline) split(ctx context.Context, group *errgroup.Group, image io.Reader) error {
	splitter := chunk.NewSplitter(image, l.params, l.parentLevel(0), l.repo.name)
	if l.known != nil {
		splitter.Know(*l.known)
	}
	for {
		c, err := splitter.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read image: %w", err)
		}
		if err := l.submit(ctx, group, c); err != nil {
			return err
		}
	}
}

// submit hands a chunk to a worker, unless it is known to be stored. That it waits for an
// idle worker bounds the memory. While the store keeps all of them waiting, and the image
// is held open, the chunk is put aside instead.
func (l *pipeline) submit(ctx context.Context, group *errgroup.Group, c chunk.Chunk) error {
	at := l.append(chunk.Entry{ID: c.ID, Span: c.Span})
	l.scanned += int64(len(c.Data))
	// Without data it was not read, since it is available.
	if c.Data == nil || !c.ID.IsZero() && l.bases.index().Available(c.ID) && !l.traces(c) {
		l.observer.add(c.ID, c.Offset, c.Data)
		l.passed(c.Span)
		return ctx.Err()
	}
	w, err := l.backlog.worker(ctx, l.idle, at, c.Data)
	if w == nil {
		return err
	}
	w.plain = append(w.plain[:0], c.Data...)
	l.start(ctx, group, w, at, c)
	return nil
}

// worker waits for one that is idle.
func (l *pipeline) worker(ctx context.Context) (*worker, error) {
	select {
	case w := <-l.idle:
		return w, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// start has a worker store the chunk whose bytes it has.
func (l *pipeline) start(ctx context.Context, group *errgroup.Group, w *worker, at int, c chunk.Chunk) {
	group.Go(func() error {
		defer func() { l.idle <- w }()
		id, isNew, err := l.storeChunk(ctx, w, c)
		l.stored(at, id, isNew)
		return err
	})
	l.passed(c.Span)
}

// passed reports progress.
func (l *pipeline) passed(span uint64) {
	l.done += int64(span)
	if l.progress != nil {
		l.progress(l.done)
	}
}

// catchUp stores the chunks that were put aside.
func (l *pipeline) catchUp(ctx context.Context, group *errgroup.Group) error {
	for _, a := range l.backlog.chunks {
		w, err := l.worker(ctx)
		if err != nil {
			return err
		}
		c := l.entry(a.at)
		if w.plain, err = l.backlog.get(w.plain[:0], a, int(c.Span)); err != nil {
			return fmt.Errorf("read image back: %w", err)
		}
		l.start(ctx, group, w, a.at, c)
	}
	return nil
}

// entry returns a chunk of the list, without its bytes.
func (l *pipeline) entry(at int) chunk.Chunk {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.chunks.Entries[at]
	return chunk.Chunk{ID: e.ID, Offset: l.chunks.Offset(at), Span: e.Span}
}

// append adds a chunk to the list and returns its place there.
func (l *pipeline) append(e chunk.Entry) (at int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.chunks.Append(e)
	return l.chunks.Len() - 1
}

// stored notes the ID of a chunk, and whether a worker has stored it.
func (l *pipeline) stored(at int, id chunk.ID, isNew bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.chunks.Entries[at].ID = id
	if isNew {
		l.chunksNew++
	}
}

// storeChunk names the chunk, whose bytes are in w.plain, and stores it if it is new.
func (l *pipeline) storeChunk(ctx context.Context, w *worker, c chunk.Chunk) (id chunk.ID, isNew bool, err error) {
	if id = c.ID; id.IsZero() {
		id = l.repo.name(chunk.Data, w.plain)
	}
	if c.ID = id; l.traces(c) {
		l.compare(ctx, c, w.plain)
	}
	if l.bases.index().Available(id) {
		l.observer.add(id, c.Offset, w.plain)
		return id, false, nil
	}
	isNew, err = l.storeNew(ctx, w, c)
	return id, isNew, err
}

// storeNew stores a named chunk that is not available. If it becomes a delta on the parent's chunk, the observer compares both.
func (l *pipeline) storeNew(ctx context.Context, w *worker, c chunk.Chunk) (isNew bool, err error) {
	compared := false
	base, at := l.baseOf(0, c.Offset, c.Span)
	isNew, err = l.storeBlob(ctx, w, blob{kind: chunk.Data, id: c.ID, plain: w.plain, base: base, observe: func(base []byte) {
		compared = true
		l.observer.compare(c.Offset, w.plain, at, base)
	}})
	if !compared {
		l.observer.add(c.ID, c.Offset, w.plain)
	}
	return isNew, err
}

// storeBlob encodes, seals and packs a blob that is not available, unless this
// run has stored it already.
func (l *pipeline) storeBlob(ctx context.Context, w *worker, b blob) (isNew bool, err error) {
	if !l.packer.claim(b.id) {
		return false, nil
	}
	if err := l.storeClaimed(ctx, w, b); err != nil {
		l.packer.fail(err)
		return false, err
	}
	return true, nil
}

func (l *pipeline) storeClaimed(ctx context.Context, w *worker, b blob) error {
	e, payload, err := w.encode(ctx, l.bases, b)
	if err != nil {
		return fmt.Errorf("encode blob %s: %w", b.id, err)
	}
	w.sealed = pack.SealBlob(l.repo.keys, w.sealed[:0], e, payload)
	l.mu.Lock()
	l.added += int64(len(w.sealed))
	l.mu.Unlock()
	return l.packer.add(ctx, e, w.sealed)
}

// storeNodes builds the tree over the chunks and stores its new nodes.
func (l *pipeline) storeNodes(ctx context.Context, chunks chunk.List) (*chunk.Tree, error) {
	w := <-l.idle
	defer func() { l.idle <- w }()
	return chunk.Build(chunks, l.repo.name, func(n chunk.NewNode) error {
		if l.bases.index().Available(n.ID) {
			return ctx.Err()
		}
		b := blob{kind: chunk.Node, id: n.ID, plain: n.Plain}
		b.base, _ = l.baseOf(n.Level, n.Offset, n.Span)
		_, err := l.storeBlob(ctx, w, b)
		return err
	})
}

// baseOf returns the parent's blob that overlaps a place most, zero for none, and where that blob begins.
func (l *pipeline) baseOf(level int, offset, span uint64) (id chunk.ID, at uint64) {
	list := l.parentLevel(level)
	if list == nil {
		return chunk.ID{}, 0
	}
	i := list.Overlap(offset, span)
	if i < 0 {
		return chunk.ID{}, 0
	}
	return list.Entries[i].ID, list.Offset(i)
}

// parentLevel returns a level of the parent's tree, nil if there is none.
func (l *pipeline) parentLevel(level int) *chunk.List {
	if l.base == nil || level >= len(l.base.Levels) {
		return nil
	}
	return &l.base.Levels[level]
}
