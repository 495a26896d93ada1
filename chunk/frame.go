package chunk

import (
	"encoding/binary"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// A FrameEncoder makes zstd frames that anybody's decoder reads: those of a dump.
// Each is a function of its plaintext and of this version of firn alone, declares
// its content's size and ends with its checksum. It is safe for concurrent use;
// as many as there are processors encode at once.
type FrameEncoder struct{ zstd *zstd.Encoder }

// NewFrameEncoder returns an encoder.
func NewFrameEncoder() (*FrameEncoder, error) {
	e, err := zstd.NewWriter(nil,
		zstd.WithEncoderLevel(zstd.SpeedDefault),
		zstd.WithWindowSize(1<<20),
		zstd.WithSingleSegment(true), // which declares the size of the smallest, too
		zstd.WithZeroFrames(true))
	if err != nil {
		return nil, fmt.Errorf("make zstd encoder: %w", err)
	}
	return &FrameEncoder{e}, nil
}

// Encode appends a frame with this plaintext, which may be empty, to dst.
func (e *FrameEncoder) Encode(dst, plain []byte) []byte { return e.zstd.EncodeAll(plain, dst) }

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
