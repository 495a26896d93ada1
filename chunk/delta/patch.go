package delta

import (
	"bytes"
	"encoding/binary"
)

// A patch is a delta that is made without a search: the bytes that are the same at
// the same place are matches, all others literals. A search, which indexes the base,
// takes tens of times as long.
//
// See docs/design.md, "Deltas".

const (
	// A patch of up to so many bytes is not worth a search for a smaller one.
	patchMax = 192
	// So many equal bytes at least are a match: a sequence costs about as many.
	patchMatch = 8
	// The least cost of a patch, and that of each run beyond its bytes.
	patchLeast, patchRun = 16, 6

	leastMatch = 3 // of zstd
)

// run is a part of a plaintext that differs from its base at the same place.
type run struct{ at, n int }

// Patch is how a plaintext differs from a base byte by byte, at the same places.
// The zero Patch is ready for [Patch.Compare]; reuse it.
type Patch struct {
	plain, base []byte
	runs        []run
	bytes       int // in runs
	writer      *blockWriter
}

// Compare finds the differences. It keeps both slices until the next call.
func (p *Patch) Compare(plain, base []byte) {
	p.plain, p.base, p.runs, p.bytes = plain, base, p.runs[:0], 0
	common := min(len(plain), len(base))
	for at := p.differs(0, common); at < common; at = p.differs(at, common) {
		at = p.add(at, common)
	}
	if common < len(plain) {
		p.join(common, len(plain))
	}
}

// differs returns where the two differ next, or end.
func (p *Patch) differs(at, end int) int {
	const stride = 256 // compared at the speed of memory
	for at+stride <= end && bytes.Equal(p.plain[at:at+stride], p.base[at:at+stride]) {
		at += stride
	}
	for at+8 <= end && binary.LittleEndian.Uint64(p.plain[at:]) == binary.LittleEndian.Uint64(p.base[at:]) {
		at += 8
	}
	for at < end && p.plain[at] == p.base[at] {
		at++
	}
	return at
}

// add notes the run that begins at a byte that differs, and returns its end: where
// enough bytes for a match are equal.
func (p *Patch) add(at, end int) int {
	last := at
	for i := at; i < end && i-last < patchMatch; i++ {
		if p.plain[i] != p.base[i] {
			last = i
		}
	}
	p.join(at, last+1)
	return last + 1
}

// join notes a run, as a part of the last one where no match fits between them.
func (p *Patch) join(from, to int) {
	if n := len(p.runs); n > 0 && from-(p.runs[n-1].at+p.runs[n-1].n) < patchMatch {
		p.bytes += to - (p.runs[n-1].at + p.runs[n-1].n)
		p.runs[n-1].n = to - p.runs[n-1].at
		return
	}
	p.runs = append(p.runs, run{from, to - from})
	p.bytes += to - from
}

// Cost returns about how many bytes the patch takes.
func (p *Patch) Cost() int { return patchLeast + p.bytes + patchRun*len(p.runs) }

// Small reports whether the patch should be taken as it is.
func (p *Patch) Small() bool { return p.Cost() <= patchMax }

// Len returns the length of the plaintext.
func (p *Patch) Len() int { return len(p.plain) }

// Append appends a frame with the plaintext to dst, of which the base is the dictionary.
func (p *Patch) Append(dst []byte) []byte {
	if p.writer == nil {
		p.writer = newBlockWriter()
	}
	dst = AppendHeader(dst, len(p.plain), NoChecksum)
	b := patchBlocks{plain: p.plain, distance: len(p.base), runs: p.runs}
	for last := false; !last; {
		from, end := b.at, min(b.at+blockMax, len(p.plain))
		last = end == len(p.plain)
		b.cut(end)
		dst = p.writer.append(dst, &b.block, p.plain[from:end], last)
	}
	return dst
}

// patchBlocks makes the blocks of a patch, one after the other.
type patchBlocks struct {
	block
	plain    []byte
	distance int   // from every byte back to the base's byte at the same place
	runs     []run // that are in no block yet
	at       int   // in plain
}

// cut makes literals and sequences of the bytes up to end.
func (b *patchBlocks) cut(end int) {
	b.reset()
	for pending := 0; b.at < end; {
		pending += b.literal(min(end, b.runEnd()))
		next := end
		if len(b.runs) > 0 {
			next = min(end, max(b.at, b.runs[0].at))
		}
		if next-b.at < leastMatch { // at the edge of a block only
			pending += b.literal(next)
			continue
		}
		b.sequences = append(b.sequences, sequence{literals: pending, match: next - b.at, offset: b.recent.value(b.distance, pending)})
		b.at, pending = next, 0
	}
}

// runEnd returns where the run ends that the current byte is in: at that byte if it
// is in none.
func (b *patchBlocks) runEnd() int {
	if len(b.runs) == 0 || b.runs[0].at > b.at {
		return b.at
	}
	return b.runs[0].at + b.runs[0].n
}

// literal takes the bytes up to end as literals, and returns how many they are.
func (b *patchBlocks) literal(end int) int {
	n := end - b.at
	b.literals = append(b.literals, b.plain[b.at:end]...)
	b.at = end
	for len(b.runs) > 0 && b.runs[0].at+b.runs[0].n <= end {
		b.runs = b.runs[1:]
	}
	return n
}
