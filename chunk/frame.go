package chunk

import (
	"encoding/binary"
	"fmt"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/zstd"

	"firn/chunk/delta"
)

// A FrameEncoder makes zstd frames for dumps, which every decoder reads.
// Each declares its content's size and ends with its checksum, which stored frames
// do not need. It is safe for concurrent use; as many as there are processors encode
// at once.
type FrameEncoder struct{ zstd *zstd.Encoder }

// NewFrameEncoder returns an encoder.
func NewFrameEncoder() (*FrameEncoder, error) {
	e, err := zstd.NewWriter(nil,
		zstd.WithEncoderLevel(zstd.SpeedDefault), // these two as in [NewEncoder], so that frames are the same
		zstd.WithWindowSize(1<<20),
		zstd.WithSingleSegment(true),
		zstd.WithZeroFrames(true))
	if err != nil {
		return nil, fmt.Errorf("make zstd encoder: %w", err)
	}
	return &FrameEncoder{e}, nil
}

// Encode appends a frame with this plaintext, which may be empty, to dst.
func (e *FrameEncoder) Encode(dst, plain []byte) []byte { return e.zstd.EncodeAll(plain, dst) }

// A block of a frame is u24 (last in bit 0, type in 1 and 2, size above) and content.
const (
	blockHeaderLen = 3
	blockTypeRLE   = 1 // of one byte, however long it gets
)

// Reframe appends the frame of a payload whose plaintext this is. If the payload's encoder was
// the same, that is the frame that [FrameEncoder.Encode] makes, without its work. Reframe
// reports whether the payload has a frame that it can take over.
func Reframe(dst, payload, plain []byte) ([]byte, bool) {
	codec, length, err := PayloadCodec(payload)
	if err != nil || codec != Zstd || length != len(plain) {
		return dst, false
	}
	body := payload[payloadHeader:]
	var h zstd.Header
	if h.Decode(body) != nil || h.HasCheckSum || h.DictionaryID != 0 || !h.HasFCS || h.FrameContentSize != uint64(len(plain)) {
		return dst, false
	}
	blocks := body[h.HeaderSize:]
	if !oneFrame(blocks) {
		return dst, false
	}
	dst = append(delta.AppendHeader(dst, len(plain), delta.WithChecksum), blocks...)
	return binary.LittleEndian.AppendUint32(dst, uint32(xxhash.Sum64(plain))), true
}

// oneFrame reports whether blocks end with the last of a frame.
func oneFrame(blocks []byte) bool {
	for len(blocks) >= blockHeaderLen {
		header := uint32(blocks[0]) | uint32(blocks[1])<<8 | uint32(blocks[2])<<16
		last, kind, size := header&1 == 1, header>>1&3, int(header>>3)
		if kind == blockTypeRLE {
			size = 1
		}
		blocks = blocks[blockHeaderLen:]
		if size > len(blocks) {
			return false
		}
		if blocks = blocks[size:]; last {
			return len(blocks) == 0
		}
	}
	return false
}

// A SeekTable tells where the frames of a stream are, so that a part of it can be
// read without the rest. It is zstd's seekable format, version 0.1.0: a skippable
// frame, which other decoders pass over.
//
//	offset  size  field
//	0       4     skippable magic 0x184D2A5E
//	4       4     length of what follows
//	8       8 k   of each frame: u32 compressed size, u32 plaintext size
//	8+8k    4     k
//	12+8k   1     descriptor: 0, no checksums in the table
//	13+8k   4     seekable magic 0x8F92EAB1
//
// The zero value is a table of no frames.
type SeekTable struct{ entries []byte }

const (
	skippableMagic = 0x184D2A5E
	seekableMagic  = 0x8F92EAB1
	seekEntryLen   = 8
	seekFooterLen  = 9
	maxSeekFrames  = 0x8000000 // the format's limit, 8 TiB at the least size of chunks
)

// Add notes the next frame of the stream.
func (t *SeekTable) Add(encoded, plain int) {
	t.entries = binary.LittleEndian.AppendUint32(t.entries, uint32(encoded))
	t.entries = binary.LittleEndian.AppendUint32(t.entries, uint32(plain))
}

// Append appends the table to dst: nothing where there are more frames than the
// format allows.
func (t *SeekTable) Append(dst []byte) []byte {
	frames := len(t.entries) / seekEntryLen
	if frames > maxSeekFrames {
		return dst
	}
	dst = binary.LittleEndian.AppendUint32(dst, skippableMagic)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(t.entries)+seekFooterLen))
	dst = append(dst, t.entries...)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(frames))
	dst = append(dst, 0)
	return binary.LittleEndian.AppendUint32(dst, seekableMagic)
}
