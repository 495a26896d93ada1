package repo

import (
	"bytes"
	"context"

	"firn/chunk"
	"firn/crypt"
	"firn/index"
	"firn/pack"
)

const (
	// A delta is kept only if it costs at most 1/maxDeltaShare of a whole frame.
	maxDeltaShare = 2
	// The cost of a delta in the footer beyond a whole blob, in bytes.
	deltaFooterCost = 1 + chunk.IDLen
	// The cost of every blob beside its payload: sealing, footer, and its ID in a
	// node of the list, in bytes.
	blobCost = crypt.Overhead + deltaFooterCost + 2*chunk.IDLen
)

// depthTolerance says how many times the cost of a delta on the nearest base one of
// this depth may cost. See docs/design.md, "Deltas".
var depthTolerance = [chunk.MaxDepth]int{1: 5, 2: 2}

// Where the differences at the same places are so many times less than the tolerance, a
// delta is taken without a comparison.
const surelyAffordable = 2

// affordable reports whether a delta is cheap enough for its depth.
func affordable(depth uint8, delta, cheapest int) bool {
	return delta+blobCost <= depthTolerance[depth]*(cheapest+blobCost)
}

// blob is a plaintext on its way into a pack.
type blob struct {
	kind  chunk.Kind
	id    chunk.ID
	plain []byte
	base  chunk.ID // whose chain of bases it may be a delta on; zero for none

	observe func(base []byte) // is shown the plaintext of the base if that is read; nil for none
}

// worker encodes and seals blobs. It is for one goroutine; its buffers are reused.
type worker struct {
	enc    *chunk.Encoder
	dec    *chunk.Decoder
	patch  chunk.Patch
	plain  []byte // the copy of a chunk that it works on
	again  []byte // the plaintext that a delta decodes to
	whole  []byte // the frame of the blob under way, empty until it is made
	deltas [2][]byte
	sealed []byte
}

func newWorker() (*worker, error) {
	enc, err := chunk.NewEncoder()
	if err != nil {
		return nil, err
	}
	dec, err := chunk.NewDecoder()
	return &worker{enc: enc, dec: dec}, err
}

// encode returns the entry and the payload of a blob: a delta on one of its
// possible bases where that pays, else a whole frame.
func (w *worker) encode(ctx context.Context, bases *blobReader, b blob) (pack.Entry, []byte, error) {
	w.whole = w.whole[:0]
	if !b.base.IsZero() {
		e, payload, err := w.encodeDelta(ctx, bases, b)
		if err != nil || payload != nil {
			return e, payload, err
		}
	}
	payload := w.wholeFrame(b)
	e, err := entryOf(b, payload)
	return e, payload, err
}

// wholeFrame returns the payload of the blob under way on its own.
func (w *worker) wholeFrame(b blob) []byte {
	if len(w.whole) == 0 {
		w.whole = w.enc.Encode(w.whole, b.plain)
	}
	return w.whole
}

// entryOf describes a payload; deltas get their base and depth from the caller.
func entryOf(b blob, payload []byte) (pack.Entry, error) {
	codec, _, err := chunk.PayloadCodec(payload)
	return pack.Entry{Kind: b.kind, ID: b.id, Plain: uint32(len(b.plain)), Codec: codec}, err
}

// encodeDelta returns no payload if a delta does not pay or no base can be had:
// a base that is damaged must not stop a backup.
func (w *worker) encodeDelta(ctx context.Context, bases *blobReader, b blob) (pack.Entry, []byte, error) {
	chain := bases.index().AvailableChain(b.base)
	if chain == nil || chain[0].Kind != b.kind {
		return pack.Entry{}, nil, nil
	}
	plains, err := bases.readChain(ctx, nil, chain)
	if err != nil {
		return pack.Entry{}, nil, ctx.Err()
	}
	if b.observe != nil {
		b.observe(plains[0])
	}
	best, payload := w.chooseBase(b, plains)
	if !w.pays(payload, b, chain[len(chain)-1]) || !w.leadsTo(b.plain, payload, plains[best]) {
		return pack.Entry{}, nil, nil
	}
	e, err := entryOf(b, payload)
	e.Base, e.Depth = chain[best].ID, depthOn(chain, best)
	return e, payload, err
}

// depthOn returns the depth of a delta on chain[i].
func depthOn(chain []index.Location, i int) uint8 { return uint8(len(chain) - i) }

// chooseBase returns the delta on the shallowest of the possible bases on which it
// costs little more than on the nearest, which is the most alike.
func (w *worker) chooseBase(b blob, plains [][]byte) (int, []byte) {
	nearest := max(0, len(plains)-chunk.MaxDepth)
	if base, ok := w.choosePatch(b, plains, nearest); ok {
		w.deltas[0] = w.patch.Append(w.deltas[0][:0])
		return base, w.deltas[0]
	}
	return w.searchBase(b, plains, nearest)
}

// choosePatch compares b with its possible bases where they have the same bytes at
// the same places, and reports whether that is enough. The patch is the one on the
// base that it returns.
func (w *worker) choosePatch(b blob, plains [][]byte, nearest int) (base int, ok bool) {
	w.patch.Compare(b.plain, plains[nearest])
	if !w.patch.Small() {
		return 0, false
	}
	cheapest := w.patch.Cost()
	for i := len(plains) - 1; i > nearest; i-- {
		w.patch.Compare(b.plain, plains[i])
		if w.patch.Small() && affordable(uint8(len(plains)-i), w.patch.Cost(), cheapest) {
			return i, true
		}
	}
	w.patch.Compare(b.plain, plains[nearest])
	return nearest, true
}

// searchBase encodes b against its possible bases from the shallowest on. How much
// differs at the same places tells about how their deltas compare: where it is too
// much, none is made; where it is little, none on the nearest.
func (w *worker) searchBase(b blob, plains [][]byte, nearest int) (int, []byte) {
	least, cheapest := w.differs(b, plains[nearest]), 0
	for i := len(plains) - 1; i > nearest; i-- {
		depth := uint8(len(plains) - i)
		differs, bearable := w.differs(b, plains[i]), depthTolerance[depth]*least
		if differs > bearable {
			continue
		}
		w.deltas[1] = w.enc.EncodeDelta(w.deltas[1][:0], b.plain, plains[i])
		if differs*surelyAffordable <= bearable {
			return i, w.deltas[1]
		}
		if cheapest == 0 {
			cheapest = w.onNearest(b, plains[nearest])
		}
		if affordable(depth, len(w.deltas[1]), cheapest) {
			return i, w.deltas[1]
		}
	}
	if cheapest == 0 {
		w.onNearest(b, plains[nearest])
	}
	return nearest, w.deltas[0]
}

// differs returns the cost of a patch of b on a base.
func (w *worker) differs(b blob, base []byte) int {
	w.patch.Compare(b.plain, base)
	return w.patch.Cost()
}

// onNearest encodes b against the nearest base, and returns the cost of that.
func (w *worker) onNearest(b blob, base []byte) int {
	w.deltas[0] = w.enc.EncodeDelta(w.deltas[0][:0], b.plain, base)
	return len(w.deltas[0])
}

// pays reports whether a delta is small enough to be kept. The size of the whole blob at the
// end of the chain is a guess at that of a whole frame. Only if the delta is too large by that
// guess is the frame made, which then is most likely stored.
func (w *worker) pays(delta []byte, b blob, root index.Location) bool {
	cost := (len(delta) + deltaFooterCost) * maxDeltaShare
	expected := (int(root.Length) - crypt.Overhead) * len(b.plain) / max(1, int(root.Plain))
	return cost <= expected || cost <= len(w.wholeFrame(b))
}

// leadsTo reports whether a delta decodes to its plaintext. The frames are
// made by code of firn's own, and to ask another's costs a small part of the search.
func (w *worker) leadsTo(plain, delta, base []byte) bool {
	again, err := w.dec.Decode(w.again[:0], delta, base)
	if err != nil {
		return false
	}
	w.again = again
	return bytes.Equal(again, plain)
}
