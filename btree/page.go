package btree

import (
	"encoding/binary"
	"fmt"
)

// A page of a b-tree (section 1.6):
//
//	offset  size
//	     0     1  kind
//	     3     2  number of cells
//	     8     4  right-most child, of interior pages only
//	 8, 12   2*k  where the cells begin in the page
//
// On page 1 all this comes after the database header, but cells are counted from the beginning of
// the page. The content of a cell, by kind:
//
//	table leaf      payload size (varint), rowid (varint), payload, overflow page (4)
//	table interior  left child (4), rowid (varint)
//	index leaf      payload size (varint), payload, overflow page (4)
//	index interior  left child (4), payload size (varint), payload, overflow page (4)
const (
	IndexInterior = 2
	TableInterior = 5
	IndexLeaf     = 10
	TableLeaf     = 13

	leafHeader     = 8
	interiorHeader = 12
	pointerLen     = 4 // the number of a page
)

// page is a page of a b-tree.
type page struct {
	number uint32
	data   []byte // without the reserved bytes at its end
	kind   byte
	cells  int
	start  int // of its header
}

// tree returns a page, which must be a page of a b-tree.
func (f *File) tree(n uint32) (page, error) {
	b, err := f.page(n)
	if err != nil {
		return page{}, err
	}
	p := page{number: n, data: b[:f.usable]}
	if n == 1 {
		p.start = headerLen
	}
	p.kind = b[p.start]
	p.cells = int(binary.BigEndian.Uint16(b[p.start+3:]))
	if !isTree(p.kind) || p.pointers()+2*p.cells > len(p.data) {
		return page{}, p.malformed("it has kind %d and %d cells", p.kind, p.cells)
	}
	return p, nil
}

func isTree(kind byte) bool {
	return kind == IndexInterior || kind == TableInterior || kind == IndexLeaf || kind == TableLeaf
}

func (p page) malformed(format string, args ...any) error {
	return fmt.Errorf("%w: page %d: %s", ErrFormat, p.number, fmt.Sprintf(format, args...))
}

func (p page) leaf() bool { return p.kind == IndexLeaf || p.kind == TableLeaf }

// isTable reports whether the page belongs to a tree with rowids as its keys.
func (p page) isTable() bool { return p.kind == TableInterior || p.kind == TableLeaf }

// pointers returns where the pointers to cells begin.
func (p page) pointers() int {
	if p.leaf() {
		return p.start + leafHeader
	}
	return p.start + interiorHeader
}

// at returns the bytes of the page from the beginning of a cell on.
func (p page) at(cell int) ([]byte, error) {
	offset := int(binary.BigEndian.Uint16(p.data[p.pointers()+2*cell:]))
	if offset < p.pointers()+2*p.cells || offset+pointerLen > len(p.data) {
		return nil, p.malformed("cell %d is at %d", cell, offset)
	}
	return p.data[offset:], nil
}

// child returns the i-th child of an interior page. There is one more child than cells.
func (p page) child(i int) (uint32, error) {
	if i == p.cells {
		return binary.BigEndian.Uint32(p.data[p.start+8:]), nil
	}
	b, err := p.at(i)
	if err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint32(b), nil
}

// cell is the part of one row, or of one entry of an index, that is in a page.
type cell struct {
	rowID    int64 // of table pages
	size     int64 // of the payload
	local    []byte
	overflow uint32 // page on which the payload continues, 0 for none
}

// cell returns a cell of a page with payloads: of any page but an interior page of a table.
func (p page) cell(i int) (cell, error) {
	b, err := p.at(i)
	if err != nil {
		return cell{}, err
	}
	if p.kind == IndexInterior {
		b = b[pointerLen:]
	}
	var c cell
	size, n := Varint(b)
	b = b[n:]
	if p.kind == TableLeaf {
		id, m := Varint(b)
		c.rowID, b = int64(id), b[m:]
		n = min(n, m)
	}
	c.size = int64(size)
	if n == 0 || c.size < 0 {
		return cell{}, p.malformed("cell %d is cut off", i)
	}
	local, need := p.local(c.size), 0
	if int64(local) < c.size {
		need = pointerLen
	}
	if len(b) < local+need {
		return cell{}, p.malformed("cell %d has %d bytes", i, c.size)
	}
	if need > 0 {
		c.overflow = binary.BigEndian.Uint32(b[local:])
	}
	c.local = b[:local]
	return c, nil
}

// local returns how many bytes of a payload are in the page.
func (p page) local(size int64) int { return LocalSize(size, len(p.data), p.isTable()) }

// LocalSize returns how many bytes of a payload are in its cell, on a page of usable bytes; the rest
// is in overflow pages (section 1.6, "U is the usable size").
func LocalSize(size int64, usable int, isTable bool) int {
	u := int64(usable)
	most := (u-12)*64/255 - 23
	if isTable {
		most = u - 35
	}
	if size <= most {
		return int(size)
	}
	least := (u-12)*32/255 - 23
	if fits := least + (size-least)%(u-4); fits <= most {
		return int(fits)
	}
	return int(least)
}

// Varint returns the number at the beginning of b, and its length, which is 0 if b ends within the
// number (section 1.6, "A variable-length integer").
func Varint(b []byte) (v uint64, n int) {
	for n < len(b) && n < 8 {
		v = v<<7 | uint64(b[n]&0x7f)
		n++
		if b[n-1] < 0x80 {
			return v, n
		}
	}
	if n == 8 && len(b) > 8 {
		return v<<8 | uint64(b[8]), 9
	}
	return 0, 0
}
