package delta

import "github.com/klauspost/compress/huff0"

const (
	blockMax        = 128 << 10 // plaintext of a block
	blockCompressed = 2 << 1    // the type's bits in a block's header; 0 for raw
	blockLast       = 1
	literalsRaw     = 0 // types of literals (RFC 8878, 3.1.1.3.1.1)
	literalsHuffman = 2
	huffmanLeast    = 32   // literals that are worth a tree
	huffmanFour     = 1024 // as many have four streams
)

// block is the content of a block of a zstd frame under way (RFC 8878, 3.1.1.3).
type block struct {
	literals  []byte
	sequences []sequence
	recent    recentOffsets // of the frame so far
	before    recentOffsets // the ones before this block
}

func (b *block) reset() {
	b.literals, b.sequences, b.before = b.literals[:0], b.sequences[:0], b.recent
}

// blockWriter appends blocks. It has some kilobytes of tables, so reuse it.
type blockWriter struct {
	sequences sequences
	huffman   huff0.Scratch
}

func newBlockWriter() *blockWriter {
	w := &blockWriter{sequences: newSequences()}
	w.huffman.Reuse = huff0.ReusePolicyNone // a frame's blocks would have to be in order
	return w
}

// append appends a block with this plaintext: a raw one where that is not larger, which
// says nothing of distances.
func (w *blockWriter) append(dst []byte, b *block, plain []byte, last bool) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, blockHeaderLen)...)
	dst = w.appendLiterals(dst, b.literals)
	dst = w.sequences.append(dst, b.sequences)
	kind := uint32(blockCompressed)
	if len(dst)-start-blockHeaderLen >= len(plain) {
		dst, kind, b.recent = append(dst[:start+blockHeaderLen], plain...), 0, b.before
	}
	h := uint32(len(dst)-start-blockHeaderLen)<<3 | kind
	if last {
		h |= blockLast
	}
	dst[start], dst[start+1], dst[start+2] = byte(h), byte(h>>8), byte(h>>16)
	return dst
}

// appendLiterals appends the section of literals, with a tree of their own if there
// are enough of them.
func (w *blockWriter) appendLiterals(dst, literals []byte) []byte {
	if len(literals) >= huffmanLeast {
		compress := huff0.Compress1X
		if len(literals) >= huffmanFour {
			compress = huff0.Compress4X
		}
		// An error says that they do not get smaller.
		if out, _, err := compress(literals, &w.huffman); err == nil && len(out)+2 < len(literals) {
			return append(appendHuffmanHeader(dst, len(literals), len(out)), out...)
		}
	}
	return append(appendRawHeader(dst, len(literals)), literals...)
}

func appendRawHeader(dst []byte, n int) []byte {
	switch {
	case n < 1<<5:
		return append(dst, byte(n<<3|literalsRaw))
	case n < 1<<12:
		return append(dst, byte(n<<4|1<<2), byte(n>>4))
	}
	return append(dst, byte(n<<4|3<<2), byte(n>>4), byte(n>>12))
}

// appendHuffmanHeader appends the header of n literals in so many bytes: a type, the
// format of the lengths, and these.
func appendHuffmanHeader(dst []byte, n, compressed int) []byte {
	format, width := 0, 10 // of both lengths, in bits
	switch {
	case n >= 1<<14:
		format, width = 3, 18
	case n >= huffmanFour:
		format, width = 2, 14
	}
	w := bitWriter{bytes: dst}
	w.write(literalsHuffman|format<<2, 4)
	w.write(n, width)
	w.write(compressed, width)
	return w.flush()
}
