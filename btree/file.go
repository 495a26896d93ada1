// Package btree reads SQLite databases without SQLite, from an [io.ReaderAt], and
// tells in which rows two of them differ without reading the pages that they share.
// A [RowCounter] counts the rows of an image that is read for another purpose.
//
// The format is https://www.sqlite.org/fileformat2.html; comments cite its sections. Databases are
// not trusted. Reading ends for any bytes, with [ErrFormat] where they make no sense, and takes no
// more memory than the database is long. Journals and WALs are not looked at: the bytes are those
// of an image.
package btree

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The database header, the first 100 bytes of page 1 (section 1.3); all numbers are
// big-endian. Fields this package looks at:
//
//	offset  size
//	     0    16  "SQLite format 3\x00"
//	    16     2  page size; 1 stands for 65536
//	    20     1  bytes reserved at the end of each page
//	    32     4  first trunk page of the freelist, 0 for none
//	    52     4  not 0 where there are pointer map pages (auto_vacuum)
//	    56     4  text encoding
//	    60     4  user version
//	    68     4  application ID
const (
	headerLen   = 100
	headerMagic = "SQLite format 3\x00"

	minPageSize = 512
	maxPageSize = 65536
	minUsable   = 480 // bytes of a page

	// pendingByte is where SQLite places its locks; the page around it is never used
	// (section 1.4).
	pendingByte = 0x40000000
)

// ErrFormat is returned, wrapped with the reason, for bytes that are no SQLite database, or a
// damaged database.
var ErrFormat = errors.New("malformed SQLite database")

// Encoding is how a database stores texts.
type Encoding uint32

// The encodings of section 1.3.13.
const (
	UTF8    Encoding = 1
	UTF16LE Encoding = 2
	UTF16BE Encoding = 3
)

// String returns the name of the encoding in SQLite's PRAGMA encoding.
func (e Encoding) String() string {
	switch e {
	case UTF16LE:
		return "UTF-16le"
	case UTF16BE:
		return "UTF-16be"
	}
	return "UTF-8"
}

// Header holds the fields of a database header that this package uses.
type Header struct {
	PageSize      int
	PageCount     uint32
	Encoding      Encoding
	UserVersion   int32
	ApplicationID int32

	usable      int    // bytes of a page
	freelist    uint32 // first trunk page
	pointerMaps bool
}

// File is a database. It is for one goroutine at a time.
type File struct {
	Header
	r     io.ReaderAt
	pages cache
	twin  *twin
}

// twin is the other database of a [Pair]. Pages that are the same in both are read from the twin,
// so that they are read once.
type twin struct {
	file    *File
	differs func(page uint32) bool
}

// Open reads the header of a database of size bytes. It does not close r.
func Open(r io.ReaderAt, size int64) (*File, error) {
	b := make([]byte, headerLen)
	if size < headerLen {
		return nil, fmt.Errorf("%w: %d bytes", ErrFormat, size)
	}
	if err := readAt(r, b, 0); err != nil {
		return nil, fmt.Errorf("read database header: %w", err)
	}
	h, err := parseHeader(b, size)
	if err != nil {
		return nil, err
	}
	return &File{Header: h, r: r}, nil
}

func parseHeader(b []byte, size int64) (Header, error) {
	number := func(offset int) uint32 { return binary.BigEndian.Uint32(b[offset:]) }
	h := Header{
		PageSize: int(binary.BigEndian.Uint16(b[16:])), Encoding: Encoding(number(56)),
		UserVersion: int32(number(60)), ApplicationID: int32(number(68)),
		freelist: number(32), pointerMaps: number(52) != 0,
	}
	if h.PageSize == 1 {
		h.PageSize = maxPageSize
	}
	h.usable = h.PageSize - int(b[20])
	if string(b[:len(headerMagic)]) != headerMagic {
		return Header{}, fmt.Errorf("%w: its first bytes are not those of a database", ErrFormat)
	}
	if h.PageSize < minPageSize || h.PageSize&(h.PageSize-1) != 0 || h.usable < minUsable {
		return Header{}, fmt.Errorf("%w: pages of %d bytes, of which %d are used", ErrFormat, h.PageSize, h.usable)
	}
	if h.Encoding > UTF16BE {
		return Header{}, fmt.Errorf("%w: text encoding %d", ErrFormat, h.Encoding)
	}
	count := size / int64(h.PageSize)
	if size%int64(h.PageSize) != 0 || int64(uint32(count)) != count {
		return Header{}, fmt.Errorf("%w: %d bytes in pages of %d", ErrFormat, size, h.PageSize)
	}
	h.PageCount, h.Encoding = uint32(count), max(h.Encoding, UTF8) // a database without tables has no encoding yet
	return h, nil
}

// Usable returns how many bytes of each page are used: all but those reserved at its end.
func (h Header) Usable() int { return h.usable }

// alike reports whether equal pages mean the same in both databases.
func (h Header) alike(other Header) bool {
	return h.PageSize == other.PageSize && h.usable == other.usable && h.Encoding == other.Encoding
}

// offset returns where a page begins.
func (h Header) offset(page uint32) int64 { return int64(page-1) * int64(h.PageSize) }

// IsPointerMap reports whether a page holds pointers to parents (section 1.8).
func (h Header) IsPointerMap(page uint32) bool {
	if !h.pointerMaps || page < 2 {
		return false
	}
	group := uint32(h.usable/5 + 1) // a map and the pages that it describes
	at := (page-2)/group*group + 2
	if at == uint32(pendingByte/h.PageSize+1) {
		at++
	}
	return page == at
}

// page returns a page. Callers must not change it.
func (f *File) page(n uint32) ([]byte, error) {
	if n == 0 || n > f.PageCount {
		return nil, fmt.Errorf("%w: a page refers to page %d, and there are %d pages", ErrFormat, n, f.PageCount)
	}
	if f.twin != nil && !f.twin.differs(n) {
		return f.twin.file.page(n)
	}
	if b := f.pages.get(n); b != nil {
		return b, nil
	}
	b := make([]byte, f.PageSize)
	if err := readAt(f.r, b, f.offset(n)); err != nil {
		return nil, fmt.Errorf("read page %d: %w", n, err)
	}
	f.pages.put(n, b)
	return b, nil
}

// readAt fills b.
func readAt(r io.ReaderAt, b []byte, offset int64) error {
	n, err := r.ReadAt(b, offset)
	if n == len(b) {
		return nil
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// cachedBytes is the least number of bytes that a cache keeps, once they were read.
const cachedBytes = 16 << 20

// cache keeps the pages that were read last, in two generations: recent pages, and older pages that
// were not asked for since the recent generation began.
type cache struct {
	recent, older map[uint32][]byte
	bytes         int // in recent
}

func (c *cache) get(page uint32) []byte {
	if b := c.recent[page]; b != nil {
		return b
	}
	b := c.older[page]
	if b != nil {
		c.put(page, b)
	}
	return b
}

func (c *cache) put(page uint32, b []byte) {
	if c.recent == nil || c.bytes+len(b) > cachedBytes {
		c.older, c.recent, c.bytes = c.recent, make(map[uint32][]byte), 0
	}
	c.recent[page] = b
	c.bytes += len(b)
}
