package check

import (
	"context"
	"encoding/binary"
	"sync/atomic"
)

// references is the set of pages that something refers to: a bit for each page. Several goroutines may use it.
type references struct {
	count uint32
	words []atomic.Uint64
}

func newReferences(pages uint32) *references {
	return &references{pages, make([]atomic.Uint64, pages/64+1)}
}

// add adds a page, and reports whether it was not there.
func (r *references) add(page uint32) bool {
	bit := uint64(1) << (page % 64)
	return r.words[page/64].Or(bit)&bit == 0
}

func (r *references) has(page uint32) bool {
	return r.words[page/64].Load()&(1<<(page%64)) != 0
}

// refer notes that something refers to a page, and reports whether the page exists and has no other use.
func (c *checker) refer(t *tree, from, page uint32) bool {
	switch {
	case page == 0 || page > c.PageCount:
		c.found(t, Reference, from, "invalid page number %d", page)
	case !c.references.add(page):
		c.found(t, Reference, from, "2nd reference to page %d", page)
	default:
		return true
	}
	return false
}

// lockPage returns the page that SQLite never uses.
func (c *checker) lockPage() uint32 { return uint32(0x40000000/c.PageSize + 1) }

// unused looks for pages that nothing refers to, and for pages of pointer maps that something refers to.
func (c *checker) unused() {
	for page := uint32(1); page <= c.PageCount && page > 0; page++ {
		isMap, used := c.IsPointerMap(page), c.references.has(page)
		switch {
		case isMap && used:
			c.find(Finding{Kind: Reference, Page: page, Text: "a page of the pointer map is referenced"})
		case !isMap && !used && page != c.lockPage():
			c.find(Finding{Kind: Reference, Page: page, Text: "never used"})
		}
	}
}

// The types of entries of a pointer map (section 1.8).
const (
	pointerRoot      = 1
	pointerFree      = 2
	pointerOverflow1 = 3 // the first page of a chain; the parent is the page with the cell
	pointerOverflow2 = 4 // another page of a chain; the parent is the one before
	pointerChild     = 5
)

const pointerEntry = 5 // a type, and the number of a page

// readPointerMap reads all pages of the pointer map.
func (c *checker) readPointerMap(ctx context.Context) error {
	if c.maxRoot == 0 {
		return nil
	}
	c.pointers = make([]byte, (int64(c.PageCount)+1)*pointerEntry)
	b := make([]byte, c.PageSize)
	each := c.Usable() / pointerEntry
	for page := int64(2); page <= int64(c.PageCount); page += int64(each) + 1 {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		at := uint32(page)
		for !c.IsPointerMap(at) { // after the page of locks
			at++
		}
		if at > c.PageCount {
			break
		}
		if err := c.read(at, b); err != nil {
			return err
		}
		copy(c.pointers[(int64(at)+1)*pointerEntry:], b[:each*pointerEntry])
	}
	return nil
}

// point checks the entry of a page in the pointer map.
func (c *checker) point(t *tree, page uint32, kind byte, parent uint32) {
	if c.pointers == nil || page == 0 || page > c.PageCount {
		return
	}
	if c.pointed != nil {
		c.pointed.add(page)
	}
	entry := c.pointers[int64(page)*pointerEntry:][:pointerEntry]
	if got := binary.BigEndian.Uint32(entry[1:]); entry[0] != kind || got != parent {
		c.found(t, PointerMap, page, "bad pointer map entry: expected type %d and parent %d, got %d and %d", kind, parent, entry[0], got)
	}
}

// freelist follows the list of free pages (section 1.5).
func (c *checker) freelist(ctx context.Context) error {
	b := make([]byte, c.Usable())
	count, from := uint32(0), uint32(1)
	for trunk := c.free; trunk != 0; from, trunk = trunk, binary.BigEndian.Uint32(b) {
		if !c.refer(nil, from, trunk) {
			return nil
		}
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if err := c.read(trunk, b); err != nil {
			return err
		}
		c.point(nil, trunk, pointerFree, 0)
		n := binary.BigEndian.Uint32(b[4:])
		if int64(n) > int64(len(b)/4-2) {
			c.find(Finding{Kind: Freelist, Page: trunk, Text: "freelist leaf count too big"})
			return nil
		}
		count += n + 1
		for i := range n {
			leaf := binary.BigEndian.Uint32(b[8+4*i:])
			c.refer(nil, trunk, leaf)
			c.point(nil, leaf, pointerFree, 0)
		}
	}
	if count != c.freeCount {
		c.found(nil, Freelist, 1, "freelist has %d pages and should have %d", count, c.freeCount)
	}
	return nil
}
