package btree

import (
	"encoding/binary"
	"fmt"
	"iter"
)

// A page of an overflow chain holds the number of the next page, 0 in the last, and then payload
// (section 1.7).

// chainLen returns how many overflow pages a payload takes.
func (f *File) chainLen(c cell) int64 {
	each := int64(f.usable - pointerLen)
	return (c.size - int64(len(c.local)) + each - 1) / each
}

// chain returns the numbers of a cell's overflow pages, as many as its size needs. It does not read
// the last of them.
func (f *File) chain(c cell) iter.Seq2[uint32, error] {
	return func(yield func(uint32, error) bool) {
		length := f.chainLen(c)
		if length > int64(f.PageCount) {
			yield(0, fmt.Errorf("%w: a row has %d bytes, and there are %d pages", ErrFormat, c.size, f.PageCount))
			return
		}
		next := c.overflow
		for i := range length {
			if next == 0 || next > f.PageCount {
				yield(0, fmt.Errorf("%w: a row continues on page %d, and there are %d pages", ErrFormat, next, f.PageCount))
				return
			}
			if !yield(next, nil) || i == length-1 {
				return
			}
			b, err := f.page(next)
			if err != nil {
				yield(0, err)
				return
			}
			next = binary.BigEndian.Uint32(b)
		}
	}
}

// payload returns the whole payload of a cell. Without overflow it is a part of the page.
func (f *File) payload(c cell) ([]byte, error) {
	payload := c.local[:len(c.local):len(c.local)]
	for n, err := range f.chain(c) {
		if err != nil {
			return nil, err
		}
		if len(payload) == len(c.local) { // the database has as many pages as the payload needs
			payload = append(make([]byte, 0, c.size), payload...)
		}
		b, err := f.page(n)
		if err != nil {
			return nil, err
		}
		rest := min(c.size-int64(len(payload)), int64(f.usable-pointerLen))
		payload = append(payload, b[pointerLen:][:rest]...)
	}
	return payload, nil
}

// budget is how many bytes of payload a walk may still meet. In a sound database a byte is in one
// payload only. In bytes that are no database, chains run into each other and into themselves, and
// cells overlap, so that each cell may claim the whole file.
type budget int64

func (f *File) budget() budget { return budget(f.offset(f.PageCount + 1)) }

func (b *budget) spend(c cell) error {
	if c.size > int64(*b) {
		return fmt.Errorf("%w: its rows have more bytes than the file", ErrFormat)
	}
	*b -= budget(c.size)
	return nil
}
