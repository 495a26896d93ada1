package follow

import (
	"math"
	"math/bits"
	"slices"
)

// Pages is a set of pages that may have changed. The zero value is empty and of no use: see [NewPages].
//
// It takes memory for each 64 neighbouring pages of which one was written, whatever the size of the database is: sizes and
// numbers of pages are an application's, and are not trusted.
type Pages struct {
	words    map[uint32]uint64 // bit n%64 of word n/64 stands for page n
	smallest uint32            // pages that the database had when it was smallest: those beyond have been made anew
}

// NewPages returns an empty set for a database with this number of pages.
func NewPages(pages uint32) *Pages {
	return &Pages{words: map[uint32]uint64{}, smallest: pages}
}

// add adds the page of a frame.
func (p *Pages) add(f frame) {
	if f.commit > 0 {
		p.shrink(f.commit)
	}
	if f.page <= p.smallest {
		p.words[f.page/64] |= 1 << (f.page % 64)
	}
}

// shrink notes that the database had this number of pages.
func (p *Pages) shrink(pages uint32) { p.smallest = min(p.smallest, pages) }

// Has reports whether a page may have changed.
func (p *Pages) Has(page int64) bool {
	return page > int64(p.smallest) || p.words[uint32(page/64)]>>(page%64)&1 == 1
}

// Smallest returns the number of pages that the database had when it was smallest.
func (p *Pages) Smallest() int64 { return int64(p.smallest) }

// Empty reports whether no page has changed in a database that now has this number of pages.
func (p *Pages) Empty(now int64) bool { return len(p.words) == 0 && now == int64(p.smallest) }

// Count returns how many pages up to the smallest size have changed.
func (p *Pages) Count() (n int64) {
	for _, page := range p.numbers() {
		if page <= int64(p.smallest) {
			n++
		}
	}
	return n
}

// Ranges returns the bytes that may have changed, each range from the first up to the second number, in order. The last
// range has all bytes beyond the smallest size.
func (p *Pages) Ranges(pageSize int) [][2]int64 {
	var ranges [][2]int64
	size := int64(pageSize)
	for _, page := range p.numbers() {
		from, to := (page-1)*size, page*size
		switch last := len(ranges) - 1; {
		case page > int64(p.smallest): // among those beyond
		case last >= 0 && ranges[last][1] == from:
			ranges[last][1] = to
		default:
			ranges = append(ranges, [2]int64{from, to})
		}
	}
	return append(ranges, [2]int64{int64(p.smallest) * size, math.MaxInt64})
}

// numbers returns the pages in order.
func (p *Pages) numbers() []int64 {
	words := make([]uint32, 0, len(p.words))
	for word := range p.words {
		words = append(words, word)
	}
	slices.Sort(words)
	var pages []int64
	for _, word := range words {
		for b := p.words[word]; b != 0; b &= b - 1 {
			pages = append(pages, int64(word)*64+int64(bits.TrailingZeros64(b)))
		}
	}
	return pages
}
