package sqlite

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
)

// census counts the rows of all tables of an image while its pages pass by, at the price of a glance at each. What it
// remembers of a page is enough to walk the b-trees afterwards, from the roots that the schema names: free pages keep
// what was once on them, so that only what is reached from a root counts.
//
// Parts of a b-tree page that it looks at; all numbers are big-endian:
//
//	offset  size
//	     0     1  kind
//	     3     2  number of cells
//	     8     4  the last child, of an interior page
//	    12    2n  offsets of the n cells, of an interior page; each cell begins with the 4-byte number of a child
//
// A row is a cell of a leaf page; in an index b-tree, which a table WITHOUT ROWID is, cells of interior pages are rows
// too. Page 1, which begins with the database header, belongs to sqlite_schema, which nobody asks for.
//
// It takes 2 bytes a page, and for each that is a child in a tree as many as the difference to its neighbour's number
// needs: 3 to 6 bytes a page in all. The pages are untrusted: whatever is on them, memory and work stay in proportion
// to their number.
type census struct {
	pageSize int
	count    int64    // of the pages that the image has
	rest     []byte   // the first bytes of a page whose last have not come
	pages    []uint16 // of each page: a mark, and below it the number of its cells
	inner    []inner  // interior pages, by number
	links    []byte   // children of all interior pages: each as a varint, the difference to the one before
	full     bool     // there was more to remember: nothing will be counted
}

// inner is an interior page.
type inner struct {
	page  uint32
	first uint32 // where its links begin
}

// Kinds of b-tree pages.
const (
	indexInterior = 0x02
	tableInterior = 0x05
	indexLeaf     = 0x0a
	tableLeaf     = 0x0d
)

// Marks of what a page is: the two high bits, as no page has room for 1<<14 cells. All others are of no use, and 0.
const (
	markTable    = 1 << 14 // leaf page of a table b-tree
	markIndex    = 2 << 14 // leaf page of an index b-tree
	markInterior = 3 << 14 // interior page of a table b-tree; with indexBit, of an index b-tree
	markMask     = 3 << 14
	indexBit     = 1
)

const (
	lastChild    = 8  // offset in an interior page
	interiorLen  = 12 // of its header
	childLen     = 4
	maxTreeDepth = 20 // SQLite goes no deeper
)

// reserved is for how many pages memory is set aside at once: 16 GiB of 4 KiB each.
const reserved = 4 << 20

func newCensus(pageSize int, pageCount int64) *census {
	return &census{pageSize: pageSize, count: pageCount, pages: make([]uint16, 0, min(pageCount, reserved))}
}

// limit is the largest length of links. A page is the child of one other, and a link to a neighbour takes a byte or two:
// this leaves room for several generations of trees on free pages.
func (c *census) limit() int64 { return min(8*c.count+1<<16, math.MaxUint32) }

// see takes the next bytes of the image.
func (c *census) see(b []byte) {
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

// complete reports whether all of the image was seen.
func (c *census) complete() bool { return int64(len(c.pages)) == c.count && len(c.rest) == 0 }

// add remembers what matters of the next page.
func (c *census) add(page []byte) {
	var mark uint16
	cells := binary.BigEndian.Uint16(page[3:])
	switch kind := page[0]; {
	case cells&markMask != 0: // no b-tree page
	case kind == tableLeaf:
		mark = markTable | cells
	case kind == indexLeaf:
		mark = markIndex | cells
	case kind == tableInterior && c.link(page, int(cells)):
		mark = markInterior
	case kind == indexInterior && c.link(page, int(cells)):
		mark = markInterior | indexBit
	}
	c.pages = append(c.pages, mark)
}

// link remembers the children of an interior page. It reports false for bytes that only look like one.
func (c *census) link(page []byte, cells int) bool {
	end := interiorLen + 2*cells
	if end > len(page) || c.full {
		return false
	}
	number := uint32(len(c.pages) + 1)
	start, before := len(c.links), number
	for at := interiorLen; at < end; at += 2 {
		cell := int(binary.BigEndian.Uint16(page[at:]))
		if cell < end || cell+childLen > len(page) {
			c.links = c.links[:start]
			return false
		}
		before = c.append(before, page[cell:])
	}
	c.append(before, page[lastChild:])
	c.linked(number, start)
	return true
}

// linked makes what was appended to the links since start those of a page.
func (c *census) linked(page uint32, start int) {
	c.inner = append(c.inner, inner{page, uint32(start)})
	if int64(len(c.links)) > c.limit() {
		c.full, c.links, c.inner = true, nil, nil
	}
}

// append adds the child at the beginning of b, and returns it.
func (c *census) append(before uint32, b []byte) uint32 {
	child := binary.BigEndian.Uint32(b)
	c.links = binary.AppendVarint(c.links, int64(child)-int64(before))
	return child
}

// copyTo remembers of the next pages, up to number n, what an older census remembers: they have not changed since.
func (c *census) copyTo(n int64, old *census) {
	for next := int64(len(c.pages)); next < n; next++ {
		if next >= int64(len(old.pages)) || old.full {
			c.full = true
			return
		}
		mark, page := old.pages[next], uint32(next+1)
		c.pages = append(c.pages, mark)
		if mark&markMask == markInterior && !c.full {
			start := len(c.links)
			c.links = append(c.links, old.linksOf(page)...)
			c.linked(page, start)
		}
	}
}

// linksOf returns the links of an interior page. The first is the difference to its own number.
func (c *census) linksOf(page uint32) []byte {
	i, _ := slices.BinarySearchFunc(c.inner, page, func(n inner, page uint32) int { return cmp.Compare(n.page, page) })
	if i+1 < len(c.inner) {
		return c.links[c.inner[i].first:c.inner[i+1].first]
	}
	return c.links[c.inner[i].first:]
}

// rows counts the rows of each table. It reports false when the pages are not what a sound database has. It can be
// called once only: what was counted is crossed out, so that no page counts twice and no circle is walked for ever.
func (c *census) rows(tables []table) ([]TableRows, bool) {
	if c.full || !c.complete() {
		return nil, false
	}
	rows := make([]TableRows, 0, len(tables))
	for _, t := range tables {
		n, ok := c.tree(t.root, c.kind(t.root), maxTreeDepth)
		if !ok {
			return nil, false
		}
		rows = append(rows, TableRows{t.name, n})
	}
	return rows, true
}

// kind returns which of the two kinds of b-trees a page belongs to: [markTable], [markIndex], or 0 for none.
func (c *census) kind(page int64) uint16 {
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

// tree counts the rows of the b-tree below a page.
func (c *census) tree(page int64, kind uint16, depth int) (int64, bool) {
	if kind == 0 || c.kind(page) != kind || depth == 0 {
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
		below, ok := c.tree(child, kind, depth-1)
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
