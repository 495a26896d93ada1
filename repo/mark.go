package repo

import (
	"context"
	"fmt"
	"iter"
	"math"
	"slices"

	"firn/chunk"
	"firn/snapshot"
)

// marker finds the blobs that snapshots need. Subtrees that several snapshots
// share are walked once.
type marker struct {
	reader *blobReader
	needed map[chunk.ID]error  // of every blob seen: why it, or a blob below it, cannot be read; nil if all can
	chunks map[chunk.ID]uint64 // of every node that can be read: how many chunks are below it
}

func newMarker(r *blobReader) *marker {
	return &marker{reader: r, needed: make(map[chunk.ID]error), chunks: make(map[chunk.ID]uint64)}
}

// found returns the blobs seen that packs hold.
func (m *marker) found() map[chunk.ID]error {
	found := make(map[chunk.ID]error, len(m.needed))
	for id, err := range m.needed {
		if err == nil || m.reader.index().Chain(id) != nil {
			found[id] = nil
		}
	}
	return found
}

// rootsTogether is of how many snapshots the roots are read at once.
const rootsTogether = 256

// markAll walks the trees of snapshots, and yields the result of [marker.mark] for each.
func (m *marker) markAll(ctx context.Context, list []*snapshot.Snapshot) iter.Seq2[*snapshot.Snapshot, error] {
	return func(yield func(*snapshot.Snapshot, error) bool) {
		for s, ready := range m.reader.withRoots(ctx, list, m.seen) {
			if !yield(s, m.walkFrom(ctx, ready, s)) {
				return
			}
		}
	}
}

// withRoots yields snapshots, each with a batch that has its root. The roots of many
// snapshots are read together, without those seen before.
func (b *blobReader) withRoots(ctx context.Context, list []*snapshot.Snapshot, seen func(chunk.ID) bool) iter.Seq2[*snapshot.Snapshot, *batch] {
	return func(yield func(*snapshot.Snapshot, *batch) bool) {
		for group := range slices.Chunk(list, rootsTogether) {
			if !b.eachWithRoots(ctx, group, seen, yield) {
				return
			}
		}
	}
}

// eachWithRoots reports whether more is wanted.
func (b *blobReader) eachWithRoots(ctx context.Context, group []*snapshot.Snapshot, seen func(chunk.ID) bool, yield func(*snapshot.Snapshot, *batch) bool) bool {
	var roots []chunk.Entry
	for _, s := range group {
		roots = append(roots, root(s.Image()))
	}
	ready, stop := b.prefetchNodes(ctx, roots, seen)
	defer stop()
	for _, s := range group {
		if !yield(s, ready) {
			return false
		}
	}
	return true
}

func root(i *snapshot.Image) chunk.Entry { return chunk.Entry{ID: i.Root, Span: uint64(i.Size)} }

// mark walks a snapshot's tree to its end and returns the first thing found
// missing or damaged in it, or the error that stopped it.
func (m *marker) mark(ctx context.Context, s *snapshot.Snapshot) error {
	return m.walkFrom(ctx, nil, s)
}

func (m *marker) walkFrom(ctx context.Context, ready *batch, s *snapshot.Snapshot) error {
	return m.node(ctx, ready, root(s.Image()), s.Image().Levels)
}

// node marks a node, which ready may have, and everything below it.
func (m *marker) node(ctx context.Context, ready *batch, e chunk.Entry, level int) error {
	if err, seen := m.needed[e.ID]; seen {
		return err
	}
	err := m.walk(ctx, ready, e, level)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	m.needed[e.ID] = err
	return err
}

// walk visits all children even after one was found damaged, as the blobs that the others
// need must be known.
func (m *marker) walk(ctx context.Context, ready *batch, e chunk.Entry, level int) error {
	if err := m.readable(e.ID); err != nil {
		return err
	}
	entries, err := m.reader.readNode(ctx, ready, e, level)
	if err != nil {
		return err
	}
	ready, stop := m.reader.below(ctx, entries, level-1, m.seen)
	defer stop()
	var first error
	var chunks uint64
	for _, child := range entries {
		if err := m.child(ctx, ready, child, level-1); err != nil && first == nil {
			first = err
		}
		chunks += m.chunksOf(child.ID, level-1)
	}
	m.chunks[e.ID] = chunks
	return first
}

// chunksOf returns how many chunks an entry stands for. Levels are few, and entries of a
// node too, so that the sum of any number of them does not overflow: 512^7 times 512.
func (m *marker) chunksOf(id chunk.ID, level int) uint64 {
	if level == 0 {
		return 1
	}
	return min(m.chunks[id], math.MaxInt64/1024)
}

// fits reports a snapshot whose tree, which was marked, is not one that [chunk.Load] takes:
// a few nodes can refer to one another so often that no list of their chunks can be made.
func (m *marker) fits(s *snapshot.Snapshot) error {
	root, chunks := s.Image().Root, m.chunks[s.Image().Root]
	if chunks == uint64(s.Chunks) && chunks <= chunk.MaxChunks(len(m.chunks)) {
		return nil
	}
	return &CorruptError{Kind: "blob", Name: root.String(), Err: fmt.Errorf("%w: %d chunks, its record says %d", chunk.ErrTree, chunks, s.Chunks)}
}

// readNode reads a node, which ready may have, and returns its entries.
func (b *blobReader) readNode(ctx context.Context, ready *batch, e chunk.Entry, level int) ([]chunk.Entry, error) {
	plain, err := b.readFrom(ctx, ready, e.ID)
	if err != nil {
		return nil, err
	}
	got, entries, err := chunk.DecodeNode(plain)
	var span uint64
	for _, child := range entries {
		span += child.Span
	}
	if err != nil || got != level || span != e.Span {
		return nil, &CorruptError{Kind: "blob", Name: e.ID.String(), Err: fmt.Errorf("%w: node of level %d over %d bytes, want %d over %d", chunk.ErrTree, got, span, level, e.Span)}
	}
	return entries, nil
}

// below starts to read the entries of a node of the level above, if they are nodes, without those seen.
func (b *blobReader) below(ctx context.Context, entries []chunk.Entry, level int, seen func(chunk.ID) bool) (*batch, func()) {
	if level == 0 { // they are chunks
		return nil, func() {}
	}
	return b.prefetchNodes(ctx, entries, seen)
}

// prefetchNodes starts to read nodes that are wanted together. Most often they stand together, too.
func (b *blobReader) prefetchNodes(ctx context.Context, entries []chunk.Entry, seen func(chunk.ID) bool) (*batch, func()) {
	var unseen []chunk.ID
	for _, e := range entries {
		if !seen(e.ID) {
			unseen = append(unseen, e.ID)
		}
	}
	return b.gather(ctx, unseen)
}

func (m *marker) seen(id chunk.ID) bool {
	_, ok := m.needed[id]
	return ok
}

func (m *marker) child(ctx context.Context, ready *batch, e chunk.Entry, level int) error {
	if level > 0 {
		return m.node(ctx, ready, e, level)
	}
	err, seen := m.needed[e.ID]
	if !seen {
		err = m.readable(e.ID)
		m.needed[e.ID] = err
	}
	return err
}

// readable reports whether packs hold a blob and all the bases it stands on.
func (m *marker) readable(id chunk.ID) error {
	if m.reader.index().Chain(id) == nil {
		return &CorruptError{Kind: "blob", Name: id.String(), Err: errMissing}
	}
	return nil
}
