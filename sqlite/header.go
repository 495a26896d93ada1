package sqlite

import (
	"encoding/binary"
	"fmt"
)

// The database header, the first 100 bytes of page 1; all numbers are big-endian. Fields this package looks at:
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
	headerLen     = 100
	headerMagic   = "SQLite format 3\x00"
	versionOffset = 18
	minPageSize   = 512
	maxPageSize   = 65536

	walMode    = "wal"
	deleteMode = "delete" // stands for all modes with a rollback journal: each connection chooses its own

	// pendingByte is where SQLite places its locks. The page around it is never used; it reads as zeros.
	pendingByte = 0x40000000
)

// header holds the fields of a database header.
type header struct {
	pageSize int
	mode     string // walMode or "delete"
	reserved byte
	cookie   uint32
}

func parseHeader(b []byte) (header, error) {
	if len(b) < headerLen || string(b[:len(headerMagic)]) != headerMagic {
		return header{}, ErrNotDatabase
	}
	h := header{
		pageSize: int(binary.BigEndian.Uint16(b[16:])),
		mode:     deleteMode,
		reserved: b[20],
		cookie:   binary.BigEndian.Uint32(b[40:]),
	}
	if h.pageSize == 1 {
		h.pageSize = maxPageSize
	}
	if b[versionOffset] == 2 {
		h.mode = walMode
	}
	if !validPageSize(h.pageSize) {
		return header{}, fmt.Errorf("%w: page size %d", ErrNotDatabase, h.pageSize)
	}
	return h, nil
}

func validPageSize(n int) bool {
	return n >= minPageSize && n <= maxPageSize && n&(n-1) == 0
}

// journalVersion returns the two version bytes for a journal mode.
func journalVersion(mode string) []byte {
	if mode == walMode {
		return []byte{2, 2}
	}
	return []byte{1, 1}
}

// lockPage returns the number of the page that is never used, in databases large enough to have it.
func lockPage(pageSize int) int64 { return pendingByte/int64(pageSize) + 1 }
