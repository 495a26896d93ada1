package check

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"sync"

	"firn/btree"
)

// checker is one run of [Check].
type checker struct {
	btree.Header
	reader     io.ReaderAt
	size       int64
	file       *btree.File
	hasher     hasher
	references *references
	pointed    *references // pages whose entry in the pointer map has been checked; nil if nobody asks
	pointers   []byte      // of the pointer maps: five bytes for each page; nil without
	free       uint32      // first trunk of the freelist
	freeCount  uint32
	format     uint32 // of the schema
	maxRoot    uint32 // that the header names
	objects    []btree.Object
	forest     []*tree
	indexes    []*index
	entries    []tally // by the number of an index

	asked        []ForeignKey // see [Options]
	candidates   []candidate
	sets         int          // of integers, for each worker
	kept, broken []ForeignKey // see [Result]

	trace *trace // nil but for the search for single rows

	mu       sync.Mutex
	orders   map[string][]IndexOrder
	limit    int
	findings []Finding
	left     map[Left]bool
	stop     context.CancelCauseFunc
}

// tree is a b-tree with what is known about it.
type tree struct {
	root    uint32
	table   *table
	index   *index // nil for a table with rowids
	isTable bool   // of the kind with rowids as keys
	rows    *rules // nil for an index of a table
}

// find notes a finding. What is found on a second way through the pages is known already.
func (c *checker) find(f Finding) {
	if c.trace != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.findings) < c.limit {
		c.findings = append(c.findings, f)
	}
	if len(c.findings) >= c.limit {
		c.stop(errEnough)
	}
}

// leave notes what is left to SQLite.
func (c *checker) leave(l Left) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left[l] = true
}

// found notes a finding about a tree.
func (c *checker) found(t *tree, kind Kind, page uint32, format string, args ...any) {
	f := Finding{Kind: kind, Page: page, Text: fmt.Sprintf(format, args...)}
	if t != nil {
		f.Table = t.table.name
		if t.index != nil && t.rows == nil {
			f.Index = t.index.name
		}
	}
	c.find(f)
}

// read fills b from the beginning of a page on.
func (c *checker) read(page uint32, b []byte) error {
	n, err := c.reader.ReadAt(b, int64(page-1)*int64(c.PageSize))
	if n == len(b) {
		return nil
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("read page %d: %w", page, err)
}

// header checks the fields of the first page (section 1.3):
//
//	offset  size
//	    18     2  versions of the format, at most 2
//	    21     3  fractions: 64, 32, 32
//	    28     4  pages of the database, where the number at 24 is that at 92
//	    32     4  first trunk page of the freelist
//	    36     4  pages of the freelist
//	    44     4  format of the schema, at most 4
//	    52     4  greatest root page, of a database with pointer maps
//	    56     4  text encoding
//	    64     4  not 0 for incremental vacuum
func (c *checker) header() error {
	b := make([]byte, headerLen)
	if err := c.read(1, b); err != nil {
		return err
	}
	number := func(at int) uint32 { return binary.BigEndian.Uint32(b[at:]) }
	wrong := func(format string, args ...any) {
		c.find(Finding{Kind: Header, Text: fmt.Sprintf(format, args...)})
	}
	c.free, c.freeCount, c.format, c.maxRoot = number(32), number(36), number(44), number(52)
	if b[18] > 2 || b[19] > 2 {
		wrong("versions %d and %d of the file format", b[18], b[19])
	}
	if b[21] != 64 || b[22] != 32 || b[23] != 32 {
		wrong("payload fractions %d, %d and %d", b[21], b[22], b[23])
	}
	if n := number(28); n != 0 && n != c.PageCount && number(24) == number(92) {
		wrong("%d pages in the header, and %d in the file", n, c.PageCount)
	}
	if c.format > 4 {
		wrong("schema format %d", c.format)
	}
	if number(64) != 0 && c.maxRoot == 0 {
		wrong("incremental vacuum without pointer maps")
	}
	return nil
}
