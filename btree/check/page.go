package check

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"firn/btree"
)

const (
	leafHeader     = 8
	interiorHeader = 12
	pointerLen     = 4
	headerLen      = 100

	// maxPayload is more than SQLite stores in a row.
	maxPayload = 1<<31 - 1
)

// page is a page of a b-tree (https://www.sqlite.org/fileformat2.html, section 1.6). Its cells are what is left of them
// after [page.parse].
type page struct {
	number uint32
	data   []byte // without the reserved bytes at its end
	kind   byte
	start  int
	last   uint32 // right-most child
	cells  []cell
	used   []uint64 // bits of the bytes that cells and free blocks take
}

// cell is a cell of a page. A page keeps the cells that make sense.
type cell struct {
	from, to int // in the page
	child    uint32
	rowID    int64
	size     int64 // of the payload
	local    []byte
	overflow uint32
}

func (p *page) leaf() bool    { return p.kind == btree.IndexLeaf || p.kind == btree.TableLeaf }
func (p *page) isTable() bool { return p.kind == btree.TableLeaf || p.kind == btree.TableInterior }

// child returns the i-th child. There is one more child than cells.
func (p *page) child(i int) uint32 {
	if i < len(p.cells) {
		return p.cells[i].child
	}
	return p.last
}

// parse checks a page of a b-tree by itself: the header, the free blocks, the cells, and that each byte of the content
// has one use. It keeps the slice of cells of the page before it. It returns what is wrong, nil for nothing.
func (p *page) parse(number uint32, b []byte, usable int) error {
	p.number, p.data, p.start, p.cells = number, b[:usable], 0, p.cells[:0]
	if number == 1 {
		p.start = headerLen
	}
	p.kind = p.data[p.start]
	count := p.short(p.start + 3)
	switch {
	case p.kind != btree.IndexInterior && p.kind != btree.TableInterior && p.kind != btree.IndexLeaf && p.kind != btree.TableLeaf:
		return fmt.Errorf("kind %d is no page of a b-tree", p.kind)
	case count > (len(b)-8)/6:
		return fmt.Errorf("%d cells are too many", count)
	}
	pointers := p.start + leafHeader
	if !p.leaf() {
		pointers = p.start + interiorHeader
		p.last = binary.BigEndian.Uint32(p.data[p.start+8:])
	}
	content := p.short(p.start + 5)
	if content == 0 {
		content = 1 << 16
	}
	if pointers+2*count > usable {
		return fmt.Errorf("%d cells are too many", count)
	}
	p.clear()
	if err := p.freeBlocks(content, pointers+2*count); err != nil {
		return err
	}
	for i := range count {
		if err := p.add(i, p.short(pointers+2*i), content); err != nil {
			return err
		}
	}
	return p.cover(content)
}

func (p *page) short(at int) int { return int(binary.BigEndian.Uint16(p.data[at:])) }

// clear forgets which bytes are used.
func (p *page) clear() {
	if n := len(p.data)/64 + 1; len(p.used) != n {
		p.used = make([]uint64, n)
		return
	}
	clear(p.used)
}

// freeBlocks follows the list of free blocks, which are in order and not adjacent.
func (p *page) freeBlocks(content, first int) error {
	usable := len(p.data)
	free := int(p.data[p.start+7]) + content
	next := p.short(p.start + 1)
	if next > 0 && next < content {
		return fmt.Errorf("free space corruption: a free block at %d, before the content", next)
	}
	for next > 0 {
		at := next
		if at > usable-4 {
			return fmt.Errorf("free space corruption: a free block at %d", at)
		}
		size := p.short(at + 2)
		next = p.short(at)
		if size < 4 || at+size > usable || next > 0 && next < at+size+4 {
			return fmt.Errorf("free space corruption: a free block of %d bytes at %d, and the next at %d", size, at, next)
		}
		free += size
		p.use(at, at+size)
	}
	if free > usable || free < first {
		return fmt.Errorf("free space corruption: %d bytes", free)
	}
	return nil
}

// use marks bytes as used, and reports whether they were unused.
func (p *page) use(from, to int) bool {
	fresh := true
	for from < to {
		word, bit := from/64, from%64
		n := min(64-bit, to-from)
		mask := (^uint64(0) >> (64 - n)) << bit
		fresh = fresh && p.used[word]&mask == 0
		p.used[word] |= mask
		from += n
	}
	return fresh
}

// add parses a cell.
func (p *page) add(i, at, content int) error {
	if at < content || at > len(p.data)-4 {
		return fmt.Errorf("cell %d: offset %d out of range %d..%d", i, at, content, len(p.data)-4)
	}
	c, ok := p.cell(at)
	if !ok {
		return fmt.Errorf("cell %d: extends off end of page", i)
	}
	if p.kind != btree.TableInterior && (c.size < 2 || c.local[0] < 2) {
		return fmt.Errorf("cell %d: payload of %d bytes without a record header", i, c.size)
	}
	if !p.use(c.from, c.to) {
		return fmt.Errorf("cell %d: multiple uses for byte %d", i, at)
	}
	p.cells = append(p.cells, c)
	return nil
}

// cell reads the cell at an offset.
func (p *page) cell(at int) (c cell, ok bool) {
	b := p.data[at:]
	c.from = at
	if !p.leaf() {
		c.child = binary.BigEndian.Uint32(b)
		b = b[pointerLen:]
	}
	if p.kind == btree.TableInterior {
		id, n := btree.Varint(b)
		c.rowID, c.to = int64(id), at+pointerLen+n
		return c, n > 0
	}
	size, n := btree.Varint(b)
	if b = b[n:]; n == 0 || size > maxPayload {
		return c, false
	}
	if p.kind == btree.TableLeaf {
		id, n := btree.Varint(b)
		if c.rowID, b = int64(id), b[n:]; n == 0 {
			return c, false
		}
	}
	c.size = int64(size)
	return c, p.payload(&c, b)
}

// payload sets the part of a payload that is in the page.
func (p *page) payload(c *cell, b []byte) bool {
	local, rest := btree.LocalSize(c.size, len(p.data), p.isTable()), 0
	if int64(local) < c.size {
		rest = pointerLen
	}
	if local+rest > len(b) {
		return false
	}
	if c.local = b[:local]; rest > 0 {
		c.overflow = binary.BigEndian.Uint32(b[local:])
	}
	c.to = max(len(p.data)-len(b)+local+rest, c.from+4)
	return c.to <= len(p.data)
}

// cover compares the bytes that nothing uses with the number of them that the header counts.
func (p *page) cover(content int) error {
	used := 0
	for _, w := range p.used {
		used += bits.OnesCount64(w)
	}
	if unused, counted := len(p.data)-content-used, int(p.data[p.start+7]); unused != counted {
		return fmt.Errorf("fragmentation of %d bytes reported as %d", unused, counted)
	}
	return nil
}
