package btree

import (
	"bytes"
	"fmt"
	"iter"
)

// The sides of a pair.
const (
	before = 0
	after  = 1
)

// Pair is two databases that are compared, or two states of one database. It is for one goroutine
// at a time.
type Pair struct {
	files [2]*File
	count uint32 // pages that both have
	// changed is the set of common pages that are not the same, or are read as if they were not;
	// nil for all pages.
	changed set
	// suspicious is true if an overflow page may have changed behind a row that has not.
	suspicious bool
}

// NewPair finds the pages in which two databases differ. Their bytes are the same outside of the
// ranges [from, to) that differing returns in order; inside the ranges bytes may be the same or
// not. Databases with pages of different meaning are compared as a whole.
//
// The files belong to the pair from then on.
func NewPair(a, b *File, differing iter.Seq2[int64, int64]) (*Pair, error) {
	p := &Pair{files: [2]*File{a, b}, count: min(a.PageCount, b.PageCount)}
	if !a.alike(b.Header) {
		return p, nil
	}
	p.changed = newSet(p.count)
	a.twin = &twin{b, p.differs}
	if err := p.narrow(differing); err != nil {
		return nil, err
	}
	if err := p.findOverwritten(); err != nil {
		return nil, err
	}
	return p, nil
}

// differs reports whether a page is not known to be the same in both databases.
func (p *Pair) differs(page uint32) bool {
	return p.changed == nil || page > p.count || p.changed.has(page)
}

// narrow finds the pages that differ.
func (p *Pair) narrow(differing iter.Seq2[int64, int64]) error {
	h := p.files[before].Header
	common := int64(p.count) * int64(h.PageSize)
	var buffers [2][]byte
	for side := range buffers {
		buffers[side] = make([]byte, h.PageSize)
	}
	for from, to := range differing {
		for from < min(to, common) {
			page := uint32(from/int64(h.PageSize)) + 1
			end := min(h.offset(page+1), to)
			same, err := p.sameBytes(from, buffers[before][:end-from], buffers[after][:end-from])
			if err != nil {
				return fmt.Errorf("read page %d: %w", page, err)
			}
			if !same {
				if err := p.change(page); err != nil {
					return err
				}
			}
			from = end
		}
	}
	return nil
}

// sameBytes compares a part of both databases.
func (p *Pair) sameBytes(from int64, a, b []byte) (bool, error) {
	if err := readAt(p.files[before].r, a, from); err != nil {
		return false, err
	}
	if err := readAt(p.files[after].r, b, from); err != nil {
		return false, err
	}
	return bytes.Equal(a, b), nil
}

// change notes that a page differs. The page is read at once, while its surroundings are at hand:
// it will be needed.
func (p *Pair) change(page uint32) error {
	p.changed.add(page)
	for _, f := range p.files {
		if _, err := f.page(page); err != nil {
			return err
		}
	}
	return nil
}
