package btree

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// A trunk page of the freelist holds the number of the next trunk page, 0 in the last, the number
// of leaves that it lists, and their numbers (section 1.5).
const trunkHeader = 8

// free returns the pages that are not in use.
func (f *File) free() (set, error) {
	free := newSet(f.PageCount)
	for trunk := f.freelist; trunk != 0; {
		b, err := f.page(trunk)
		if err != nil {
			return nil, err
		}
		n := binary.BigEndian.Uint32(b[4:])
		if free.has(trunk) || int64(n)*4+trunkHeader > int64(f.usable) {
			return nil, fmt.Errorf("%w: page %d of the freelist makes no sense", ErrFormat, trunk)
		}
		free.add(trunk)
		for i := range n {
			if leaf := binary.BigEndian.Uint32(b[trunkHeader+4*i:]); leaf <= f.PageCount {
				free.add(leaf)
			}
		}
		trunk = binary.BigEndian.Uint32(b)
	}
	return free, nil
}

// set is a set of pages: a bit for each page of a database.
type set []uint64

func newSet(pages uint32) set { return make(set, pages/64+1) }

func (s set) has(page uint32) bool {
	return int(page/64) < len(s) && s[page/64]&(1<<(page%64)) != 0
}

func (s set) add(page uint32) { s[page/64] |= 1 << (page % 64) }

// all calls visit for each page in order, until it returns an error.
func (s set) all(visit func(page uint32) error) error {
	for i, word := range s {
		for ; word != 0; word &= word - 1 {
			if err := visit(uint32(i*64 + bits.TrailingZeros64(word))); err != nil {
				return err
			}
		}
	}
	return nil
}
