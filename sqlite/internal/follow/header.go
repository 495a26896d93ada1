package follow

import (
	"encoding/binary"
	"errors"

	"firn/sqlite/internal/capi"
)

// Header is the header of a WAL-index: the end of a WAL as one transaction sees it.
//
// walIndexWriteHdr (wal.c) writes it to shared memory at each commit, and when the WAL is restarted. A restart adds one to
// the first salt, draws the second anew, sets Frames to 0, and leaves the other fields as they are until the next commit
// (walRestartHdr).
type Header struct {
	Salt     [2]uint32 // of the generation
	Checksum [2]uint32 // running checksum up to the last frame
	Frames   uint32    // number of the last frame (mxFrame)
	Pages    uint32    // of the database
	PageSize int       // 0 where a recovery has found no commit in the WAL
	Change   uint32    // +1 with each commit, 0 after a recovery (iChange)
}

// The layout of the header, in native byte order:
//
//	offset  size
//	     0     4  version
//	     4     4  unused
//	     8     4  change counter
//	    12     1  1 when initialized
//	    13     1  checksum byte order
//	    14     2  page size; 1 stands for 65536, 0 until there was a commit
//	    16     4  last valid frame
//	    20     4  pages of the database
//	    24     8  checksum of the last frame
//	    32     8  salts, as they stand in the WAL file: big-endian
//	    40     8  checksum of the fields above
const headerSum = 40

var errHeader = errors.New("unknown WAL-index header")

// ParseHeader reads a header of [capi.Conn.Snapshot].
func ParseHeader(b []byte) (Header, error) {
	if len(b) != capi.SnapshotLen || b[12] != 1 {
		return Header{}, errHeader
	}
	native, disk := binary.NativeEndian, binary.BigEndian
	size := int(native.Uint16(b[14:]))
	size = size&0xfe00 | size&1<<16
	if !capi.ValidPageSize(size) && !(size == 0 && native.Uint32(b[16:]) == 0) {
		return Header{}, errHeader
	}
	return Header{
		Salt:     [2]uint32{disk.Uint32(b[32:]), disk.Uint32(b[36:])},
		Checksum: [2]uint32{native.Uint32(b[24:]), native.Uint32(b[28:])},
		Frames:   native.Uint32(b[16:]),
		Pages:    native.Uint32(b[20:]),
		PageSize: size,
		Change:   native.Uint32(b[8:]),
	}, nil
}

// Index gives the header as it stands in shared memory: [capi.WALIndex].
type Index interface {
	Read(first, second *[capi.SnapshotLen]byte) bool
}

// live is the header in shared memory.
type live struct {
	Index
	raw           [capi.SnapshotLen]byte // as it was read last
	first, second [capi.SnapshotLen]byte // buffers: those of a function would be allocated in each call
}

// read reads the header without a lock, as walIndexTryHdr does. It reports false if a process is writing the header, or has
// died while it wrote.
func (l *live) read() (Header, bool) {
	if !l.Index.Read(&l.raw, &l.second) || l.raw != l.second || !summed(&l.raw) {
		return Header{}, false
	}
	h, err := ParseHeader(l.raw[:])
	return h, err == nil
}

// moved reports whether shared memory shows another header than the one that was read last.
func (l *live) moved() bool {
	return !l.Index.Read(&l.first, &l.second) || l.first != l.raw || l.second != l.raw
}

// summed reports whether a header has the right checksum (walChecksumBytes).
func summed(b *[capi.SnapshotLen]byte) bool {
	var s [2]uint32
	for i := 0; i < headerSum; i += 8 {
		s[0] += binary.NativeEndian.Uint32(b[i:]) + s[1]
		s[1] += binary.NativeEndian.Uint32(b[i+4:]) + s[0]
	}
	return s[0] == binary.NativeEndian.Uint32(b[headerSum:]) && s[1] == binary.NativeEndian.Uint32(b[headerSum+4:])
}
