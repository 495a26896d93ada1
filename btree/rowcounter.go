package btree

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
)

// RowCounter counts the rows of tables while the pages of an image pass by. It looks at each page once and keeps of it
// what is needed to walk the b-trees afterwards, from the roots that the schema names. Free pages keep their old
// content, so only pages that are reached from a root count.
//
// The counter reads these parts of a b-tree page (section 1.6); all numbers are big-endian:
//
//	offset  size
//	     0     1  kind
//	     3     2  number of cells
//	     8     4  the last child, of an interior page
//	    12    2n  offsets of the n cells, of an interior page; each cell begins with the 4-byte number of a child
//
// A row is a cell of a leaf page. An index b-tree, which holds a table WITHOUT ROWID, has rows in the cells of its
// interior pages too. Page 1 begins with the database header and belongs to sqlite_schema, which is not counted.
//
// The counter takes 2 bytes of memory a page. Each child of an interior page takes as many bytes as the difference to
// its neighbour's number needs: the whole is 3 to 6 bytes a page. The pages are not trusted: memory and work stay in
// proportion to the number of pages, whatever their content is.
//
// A RowCounter is for one goroutine at a time.
type RowCounter struct {
	pageSize int
	count    int64       // of the pages that the image has
	rest     []byte      // the first bytes of a page that has not come to its end
	pages    []uint16    // of each page: a mark, and below it the number of its cells
	inner    []inner     // interior pages, by number
	links    []byte      // children of all interior pages: each as a varint, the difference to the one before
	full     bool        // the pages had more children than fit: nothing will be counted
	old      *RowCounter // of the older image from which unchanged pages come; nil for none
}

// inner is an interior page.
type inner struct {
	page  uint32
	first uint32 // where its links begin
}

// A mark says what a page is. It takes the two high bits, because no page has room for 1<<14 cells. The mark of a page
// without rows is 0.
const (
	markTable    = 1 << 14 // leaf page of a table b-tree
	markIndex    = 2 << 14 // leaf page of an index b-tree
	markInterior = 3 << 14 // interior page of a table b-tree; with indexBit, of an index b-tree
	markMask     = 3 << 14
	indexBit     = 1
)

// lastChild is the offset of the last child's number in an interior page.
const lastChild = 8

// reserved is the number of pages for which memory is set aside at once: 16 GiB of pages of 4 KiB.
const reserved = 4 << 20

// NewRowCounter returns a counter for an image of pageCount pages.
func NewRowCounter(pageSize int, pageCount int64) *RowCounter {
	return &RowCounter{pageSize: pageSize, count: pageCount, pages: make([]uint16, 0, min(pageCount, reserved))}
}

// Next returns a counter for a later image of the same database, with pageCount pages. Its [RowCounter.Skip] takes
// unchanged pages from c, which must stay as it is until then.
func (c *RowCounter) Next(pageCount int64) *RowCounter {
	next := NewRowCounter(c.pageSize, pageCount)
	next.links, next.old = make([]byte, 0, len(c.links)), c
	return next
}

// Clone returns a copy of a [RowCounter.Usable] counter, without memory to spare. The copy can be used by Next again and
// again, and is of use after the original's [RowCounter.Rows].
func (c *RowCounter) Clone() *RowCounter {
	return &RowCounter{
		pageSize: c.pageSize, count: c.count,
		pages: slices.Clone(c.pages), inner: slices.Clone(c.inner), links: slices.Clone(c.links),
	}
}

// PageSize returns the size of a page in bytes.
func (c *RowCounter) PageSize() int { return c.pageSize }

// PageCount returns how many pages the counter has seen.
func (c *RowCounter) PageCount() int64 { return int64(len(c.pages)) }

// Complete reports whether the counter has seen the whole image.
func (c *RowCounter) Complete() bool { return int64(len(c.pages)) == c.count && len(c.rest) == 0 }

// Usable reports whether the counter has seen the whole image and could keep all that counting takes.
func (c *RowCounter) Usable() bool { return !c.full && c.Complete() }

// linksLimit is the largest length of links. A page is the child of one other page, and a link to a neighbour takes a
// byte or two: the limit leaves room for several generations of trees on free pages.
func (c *RowCounter) linksLimit() int64 { return min(8*c.count+1<<16, math.MaxUint32) }

// Add looks at the next bytes of the image. It keeps no part of b.
func (c *RowCounter) Add(b []byte) {
	if len(c.rest) > 0 {
		n := min(c.pageSize-len(c.rest), len(b))
		c.rest = append(c.rest, b[:n]...)
		if b = b[n:]; len(c.rest) < c.pageSize {
			return
		}
		c.add(c.rest)
		c.rest = c.rest[:0]
	}
	for ; len(b) >= c.pageSize; b = b[c.pageSize:] {
		c.add(b[:c.pageSize])
	}
	c.rest = append(c.rest, b...)
}

// add keeps what counting needs of the next page.
func (c *RowCounter) add(page []byte) {
	var mark uint16
	cells := binary.BigEndian.Uint16(page[3:])
	switch kind := page[0]; {
	case cells&markMask != 0: // too many cells: it is no b-tree page
	case kind == TableLeaf:
		mark = markTable | cells
	case kind == IndexLeaf:
		mark = markIndex | cells
	case kind == TableInterior && c.link(page, int(cells)):
		mark = markInterior
	case kind == IndexInterior && c.link(page, int(cells)):
		mark = markInterior | indexBit
	}
	c.pages = append(c.pages, mark)
}

// link keeps the children of an interior page. It reports false for bytes that only look like an interior page.
func (c *RowCounter) link(page []byte, cells int) bool {
	end := interiorHeader + 2*cells
	if end > len(page) || c.full {
		return false
	}
	number := uint32(len(c.pages) + 1)
	start, before := len(c.links), number
	for at := interiorHeader; at < end; at += 2 {
		cell := int(binary.BigEndian.Uint16(page[at:]))
		if cell < end || cell+pointerLen > len(page) {
			c.links = c.links[:start]
			return false
		}
		before = c.append(before, page[cell:])
	}
	c.append(before, page[lastChild:])
	c.linked(number, start)
	return true
}

// linked makes the links since start those of a page.
func (c *RowCounter) linked(page uint32, start int) {
	c.inner = append(c.inner, inner{page, uint32(start)})
	if int64(len(c.links)) > c.linksLimit() {
		c.full, c.links, c.inner = true, nil, nil
	}
}

// append adds the child whose number b begins with, and returns the number.
func (c *RowCounter) append(before uint32, b []byte) uint32 {
	child := binary.BigEndian.Uint32(b)
	c.links = binary.AppendVarint(c.links, int64(child)-int64(before))
	return child
}

// Skip passes over the pages up to number n, which are the same as in the older image that [RowCounter.Next] was called
// on.
func (c *RowCounter) Skip(n int64) {
	for next := int64(len(c.pages)); next < n; next++ {
		if next >= int64(len(c.old.pages)) || c.old.full {
			c.full = true
			return
		}
		mark, page := c.old.pages[next], uint32(next+1)
		c.pages = append(c.pages, mark)
		if mark&markMask == markInterior && !c.full {
			start := len(c.links)
			c.links = append(c.links, c.old.linksOf(page)...)
			c.linked(page, start)
		}
	}
	if c.Complete() {
		c.old = nil // for the memory
	}
}

// linksOf returns the links of an interior page. The first link is the difference to the page's own number.
func (c *RowCounter) linksOf(page uint32) []byte {
	i, _ := slices.BinarySearchFunc(c.inner, page, func(n inner, page uint32) int { return cmp.Compare(n.page, page) })
	if i+1 < len(c.inner) {
		return c.links[c.inner[i].first:c.inner[i+1].first]
	}
	return c.links[c.inner[i].first:]
}

// Rows returns the number of rows of each table, by the page where its b-tree begins. It reports false when the pages
// are not those of a sound database, or the counter is not [RowCounter.Usable]. It can be called once only: it crosses
// out the pages that it has counted, so that no page counts twice and no circle is walked for ever.
func (c *RowCounter) Rows(roots []int64) ([]int64, bool) {
	if !c.Usable() {
		return nil, false
	}
	rows := make([]int64, 0, len(roots))
	for _, root := range roots {
		n, ok := c.tree(root, c.kind(root), maxHeight)
		if !ok {
			return nil, false
		}
		rows = append(rows, n)
	}
	return rows, true
}

// kind returns to which kind of b-tree a page belongs: [markTable], [markIndex], or 0 for none.
func (c *RowCounter) kind(page int64) uint16 {
	if page < 1 || page > int64(len(c.pages)) {
		return 0
	}
	switch mark := c.pages[page-1]; mark & markMask {
	case markInterior:
		return markTable + (mark&indexBit)<<14
	default:
		return mark & markMask
	}
}

// tree counts the rows of the b-tree below a page, which may have height levels.
func (c *RowCounter) tree(page int64, kind uint16, height int) (int64, bool) {
	if kind == 0 || c.kind(page) != kind || height == 0 {
		return 0, false
	}
	mark := c.pages[page-1]
	c.pages[page-1] = 0
	if mark&markMask != markInterior {
		return int64(mark &^ markMask), true
	}
	rows, child := int64(0), page
	for links := c.linksOf(uint32(page)); len(links) > 0; {
		difference, n := binary.Varint(links)
		links, child = links[n:], child+difference
		below, ok := c.tree(child, kind, height-1)
		if !ok {
			return 0, false
		}
		rows += below
		if kind == markIndex && len(links) > 0 {
			rows++ // the cell between this child and the next
		}
	}
	return rows, true
}
