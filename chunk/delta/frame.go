// Package delta makes zstd frames of a plaintext on a base, which is their dictionary: by a
// search for bytes that have moved, or, where few bytes are others, by a comparison of the
// same places alone. Every decoder of zstd reads them. See docs/design.md, "Deltas".
package delta

import "encoding/binary"

// A frame of one segment, without a dictionary's ID (RFC 8878):
//
//	offset  size  field
//	0       4     magic 0xFD2FB528
//	4       1     descriptor: size of the next field in bits 7 and 6, single segment in 5, checksum in 2
//	5       k     content size: u8; u16, less 256; or u32
//	5+k           blocks: u24 (last in bit 0, type in 1 and 2, size above) and content
//	              u32, the low half of XXH64, if there is a checksum
const (
	frameMagic       = 0xFD2FB528
	singleSegment    = 1 << 5
	contentSizeShift = 6
	blockHeaderLen   = 3
)

// Checksum says whether a checksum stands at the end of a frame.
type Checksum byte

// Both are bits of the descriptor.
const (
	NoChecksum   Checksum = 0
	WithChecksum Checksum = 1 << 2
)

// AppendHeader appends the header of a frame with so many bytes of plaintext to dst.
func AppendHeader(dst []byte, size int, sum Checksum) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, frameMagic)
	flags := singleSegment | byte(sum)
	switch {
	case size < 256:
		return append(dst, flags, byte(size))
	case size < 256+1<<16:
		return binary.LittleEndian.AppendUint16(append(dst, flags|1<<contentSizeShift), uint16(size-256))
	}
	return binary.LittleEndian.AppendUint32(append(dst, flags|2<<contentSizeShift), uint32(size))
}
