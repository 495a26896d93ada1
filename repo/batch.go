package repo

import (
	"bytes"
	"cmp"
	"context"
	"iter"
	"slices"
	"sync"

	"firn/chunk"
	"firn/index"
	"firn/pack"
)

// How blobs are read together. A request to a remote store takes as long as some
// 100 KiB more of an answer, so a few unwanted bytes are cheaper than a request.
const (
	gapMax    = 128 << 10 // between two blobs that one request reads
	extentMax = 8 << 20   // of a request for a part of a pack; an error costs this much
	// A pack smaller than this is worth keeping whole whatever is wanted of it.
	wholeBelow = 256 << 10
	// Of requests under way, this many bytes in all, and each counts as this many
	// at least, so that a repository has no more than eight.
	readingBytes = 16 << 20
	readingLeast = readingBytes / 8
)

// batch is a number of blobs that are being read with few requests. A batch reports no
// errors: its user reads a blob that is missing alone, and learns why. A nil batch has
// nothing. It is safe for concurrent use.
type batch struct {
	extents map[pack.ID][]*extent
}

// extent is the part of a pack that one request reads, or all of it.
type extent struct {
	pack     pack.ID
	from, to int64
	whole    bool
	keep     bool             // in the cache
	wanted   []index.Location // by offset
	done     chan struct{}
	sealed   map[uint32][]byte // by offset in the pack; nil if the request failed
}

// get waits for a blob and returns it.
func (h *batch) get(l index.Location) ([]byte, bool) {
	if h == nil {
		return nil, false
	}
	for _, e := range h.extents[l.Pack] {
		if int64(l.Offset) >= e.from && int64(l.Offset) < e.to {
			<-e.done
			sealed, ok := e.sealed[l.Offset]
			return sealed, ok
		}
	}
	return nil, false
}

// demand is how many bytes of packs are wanted.
type demand map[pack.ID]int64

// demandOf sums up blobs, each of which may be named more than once.
func demandOf(wanted iter.Seq[index.Location]) demand {
	type place struct {
		pack   pack.ID
		offset uint32
	}
	seen, d := make(map[place]bool), make(demand)
	for l := range wanted {
		if p := (place{l.Pack, l.Offset}); !seen[p] {
			seen[p] = true
			d[l.Pack] += int64(l.Length)
		}
	}
	return d
}

// distinct returns the locations in the order of packs and offsets.
func distinct(wanted []index.Location) []index.Location {
	sorted := slices.SortedFunc(slices.Values(wanted), func(a, b index.Location) int {
		return cmp.Or(bytes.Compare(a.Pack[:], b.Pack[:]), cmp.Compare(a.Offset, b.Offset))
	})
	return slices.CompactFunc(sorted, func(a, b index.Location) bool {
		return a.Pack == b.Pack && a.Offset == b.Offset
	})
}

// readAll returns the plaintexts of blobs that are wanted together.
func (b *blobReader) readAll(ctx context.Context, ids []chunk.ID) ([][]byte, error) {
	ready, stop := b.gather(ctx, ids)
	defer stop()
	plains := make([][]byte, len(ids))
	for i, id := range ids {
		var err error
		if plains[i], err = b.readFrom(ctx, ready, id); err != nil {
			return nil, err
		}
	}
	return plains, nil
}

// gather starts to read blobs that are wanted together; stop ends it.
func (b *blobReader) gather(ctx context.Context, ids []chunk.ID) (ready *batch, stop func()) {
	var wanted []index.Location
	for _, id := range ids {
		wanted = b.appendMissing(wanted, id)
	}
	var reading sync.WaitGroup
	ctx, cancel := context.WithCancel(ctx)
	ready = b.fetch(ctx, &reading, wanted, demandOf(slices.Values(wanted)))
	return ready, func() {
		cancel()
		reading.Wait()
	}
}

// appendMissing adds the places that must be read from the store to decode a blob: those
// of its chain that are neither remembered nor in the cache.
func (b *blobReader) appendMissing(wanted []index.Location, id chunk.ID) []index.Location {
	for _, l := range b.index().Chain(id) {
		if _, ok := b.remembered(l.ID); ok {
			break
		}
		if b.repo.packs.Arriving(l.Pack) == nil && !b.repo.packs.Has(l) {
			wanted = append(wanted, l)
		}
	}
	return wanted
}

// fetch starts to read blobs. The demand is what the caller wants of each pack in all, and
// decides which packs are read whole; with nil, no blob is kept in the cache. A single blob
// is not fetched, as that would win nothing. The reads end before reading is done, early
// with ctx.
func (b *blobReader) fetch(ctx context.Context, reading *sync.WaitGroup, wanted []index.Location, all demand) *batch {
	if len(wanted) < 2 {
		return nil
	}
	h := &batch{extents: make(map[pack.ID][]*extent)}
	for _, e := range b.plan(distinct(wanted), all) {
		h.extents[e.pack] = append(h.extents[e.pack], e)
		reading.Go(func() {
			b.load(ctx, e)
			b.repo.packs.Arrived(e.pack, e.done)
			close(e.done)
		})
	}
	return h
}

// plan makes requests of blobs in the order of packs and offsets: of neighbours
// one, as long as it is not too large.
func (b *blobReader) plan(wanted []index.Location, all demand) []*extent {
	var extents []*extent
	var last *extent
	for _, l := range wanted {
		from, to := int64(l.Offset), int64(l.Offset)+int64(l.Length)
		if last == nil || last.pack != l.Pack || !last.whole && (from-last.to > gapMax || to-last.from > extentMax) {
			last = &extent{pack: l.Pack, from: from, to: to, keep: all != nil, done: make(chan struct{})}
			if size := b.index().Extent(l.Pack); last.keep && b.readsWhole(size, all[l.Pack]) {
				last.from, last.to, last.whole = 0, size, true
				b.repo.packs.Expect(last.pack, last.done)
			}
			extents = append(extents, last)
		}
		last.to = max(last.to, to)
		last.wanted = append(last.wanted, l)
	}
	return extents
}

// readsWhole reports whether a pack is read whole. Without a cache to keep the rest
// in, that is of no use.
func (b *blobReader) readsWhole(size, wanted int64) bool {
	return b.repo.packs.Admits(size) && (size < wholeBelow || wanted*2 >= size)
}

// load reads an extent.
func (b *blobReader) load(ctx context.Context, e *extent) {
	size := e.to - e.from
	weight := min(max(size, readingLeast), readingBytes)
	if b.repo.reading.Acquire(ctx, weight) != nil {
		return
	}
	defer b.repo.reading.Release(weight)
	read, err := b.repo.store.Get(ctx, e.pack.Name(), e.from, size)
	if err != nil || int64(len(read)) != size {
		return
	}
	e.pick(read)
	if e.whole {
		b.repo.packs.PutPack(e.pack, read)
	} else if e.keep {
		for _, l := range e.wanted {
			b.repo.packs.PutBlob(l, e.sealed[l.Offset])
		}
	}
}

// pick picks the wanted blobs out of the bytes that were read. They do not keep the rest in
// memory if that is the larger part.
func (e *extent) pick(read []byte) {
	var wanted int
	for _, l := range e.wanted {
		wanted += int(l.Length)
	}
	e.sealed = make(map[uint32][]byte, len(e.wanted))
	for _, l := range e.wanted {
		sealed := read[int64(l.Offset)-e.from:][:l.Length]
		if wanted*2 < len(read) {
			sealed = bytes.Clone(sealed)
		}
		e.sealed[l.Offset] = sealed
	}
}
