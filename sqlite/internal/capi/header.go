package capi

import (
	"encoding/binary"
	"fmt"
)

// The database header, the first 100 bytes of page 1; all numbers are big-endian. Fields that are looked at:
//
//	offset  size
//	     0    16  "SQLite format 3\x00"
//	    16     2  page size; 1 stands for 65536
//	    18     2  write and read version: 1 1 with a rollback journal, 2 2 in WAL mode
//	    20     1  bytes reserved at the end of each page
//	    24     4  change counter
//	    28     4  pages of the database, if the change counter is the same as at 92
//	    40     4  schema cookie: connections read the schema again when it has changed
//	    92     4  change counter when the page count was written
//	    96     4  version of SQLite that wrote last
const (
	HeaderLen     = 100
	HeaderMagic   = "SQLite format 3\x00"
	VersionOffset = 18
	MinPageSize   = 512
	MaxPageSize   = 65536

	// pendingByte is where SQLite places its locks. The page around it is never used; it reads as zeros.
	pendingByte = 0x40000000
)

// The journal modes that a header tells apart.
const (
	WALMode    = "wal"
	DeleteMode = "delete" // stands for all modes with a rollback journal: each connection chooses its own
)

// Header holds the fields of a database header that matter here.
type Header struct {
	PageSize int
	Mode     string // WALMode or DeleteMode
	Reserved byte   // bytes at the end of each page
	Cookie   uint32 // of the schema
}

// ParseHeader reads a header, and returns [ErrNotDatabase] for bytes that are none.
func ParseHeader(b []byte) (Header, error) {
	if len(b) < HeaderLen || string(b[:len(HeaderMagic)]) != HeaderMagic {
		return Header{}, ErrNotDatabase
	}
	h := Header{
		PageSize: int(binary.BigEndian.Uint16(b[16:])),
		Mode:     DeleteMode,
		Reserved: b[20],
		Cookie:   binary.BigEndian.Uint32(b[40:]),
	}
	if h.PageSize == 1 {
		h.PageSize = MaxPageSize
	}
	if b[VersionOffset] == 2 {
		h.Mode = WALMode
	}
	if !ValidPageSize(h.PageSize) {
		return Header{}, fmt.Errorf("%w: page size %d", ErrNotDatabase, h.PageSize)
	}
	return h, nil
}

// ValidPageSize reports whether a database can have pages of n bytes.
func ValidPageSize(n int) bool {
	return n >= MinPageSize && n <= MaxPageSize && n&(n-1) == 0
}

// JournalVersion returns the two bytes at [VersionOffset] for a journal mode.
func JournalVersion(mode string) []byte {
	if mode == WALMode {
		return []byte{2, 2}
	}
	return []byte{1, 1}
}

// LockPage returns the number of the page that is never used, in databases large enough to have it.
func LockPage(pageSize int) int64 { return pendingByte/int64(pageSize) + 1 }

// Header reads the header of the open database from the main file, under the lock of the open transaction.
func (c *Conn) Header() ([]byte, error) {
	f, err := c.File()
	if err != nil {
		return nil, err
	}
	b := c.Alloc(HeaderLen)
	defer c.Free(b)
	if err := f.ReadAt(b, 0); err != nil {
		return nil, fmt.Errorf("read database header: %w", err)
	}
	return append([]byte(nil), b...), nil
}

// Shape is the form of a database as a transaction sees it.
type Shape struct {
	PageSize  int
	PageCount int64
	Mode      string // WALMode or DeleteMode
}

// Shape returns the form of the database as the open transaction sees it.
func (c *Conn) Shape() (Shape, error) {
	size, err := c.Number("PRAGMA page_size")
	if err != nil {
		return Shape{}, err
	}
	count, err := c.Number("PRAGMA page_count")
	if err != nil {
		return Shape{}, err
	}
	mode, err := c.Text("PRAGMA journal_mode")
	if err != nil {
		return Shape{}, err
	}
	if mode != WALMode {
		mode = DeleteMode
	}
	return Shape{int(size), count, mode}, nil
}
