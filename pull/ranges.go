package pull

import (
	"encoding/binary"
	"fmt"
)

// Ranges of pages go over the wire as pairs of unsigned varints, of package encoding/binary: how many pages lie between the
// end of the range before, or the beginning of the image, and this range, and how many pages this range has, one at least.
// So ranges are in order and apart by their form.

// mostPairs is how many pairs a frame has at most. Two varints take 20 bytes at most.
const mostPairs = mostFrame / 20

// WriteRanges writes ranges of bytes, whose ends are multiples of the page size, as frames of the kind more and a last one of the kind last.
func (s *Stream) WriteRanges(more, last Kind, ranges [][2]int64, pageSize int64) error {
	return writeRanges(s.Write, more, last, ranges, pageSize)
}

func writeRanges(write func(Kind, []byte) error, more, last Kind, ranges [][2]int64, pageSize int64) error {
	var b []byte
	end := int64(0)
	for n, r := range ranges {
		b = binary.AppendUvarint(b, uint64((r[0]-end)/pageSize))
		b = binary.AppendUvarint(b, uint64((r[1]-r[0])/pageSize))
		end = r[1]
		if (n+1)%mostPairs == 0 {
			if err := write(more, b); err != nil {
				return err
			}
			b = b[:0]
		}
	}
	return write(last, b)
}

// RangeReader puts ranges together that come in several frames.
type RangeReader struct {
	pageSize, size int64 // of the image, bytes
	beside         int64 // bytes after which nothing may lie outside of the ranges; the size if all may
	end            int64
	ranges         [][2]int64
}

// NewRangeReader returns a reader of ranges of an image.
func NewRangeReader(pageSize, size int64) *RangeReader {
	return &RangeReader{pageSize: pageSize, size: size, beside: size}
}

// Add reads the content of a frame.
func (r *RangeReader) Add(b []byte) error {
	for len(b) > 0 {
		gap, n := binary.Uvarint(b)
		if n <= 0 {
			return fmt.Errorf("%w: ranges of pages", ErrFrame)
		}
		pages, k := binary.Uvarint(b[n:])
		b = b[n+max(k, 0):]
		left := uint64(r.size-r.end) / uint64(r.pageSize)
		if k <= 0 || pages == 0 || gap > left || pages > left-gap {
			return fmt.Errorf("%w: ranges of pages", ErrFrame)
		}
		from := r.end + int64(gap)*r.pageSize
		if gap > 0 && from > r.beside {
			return errBeside
		}
		r.end = from + int64(pages)*r.pageSize
		r.add(from)
	}
	return nil
}

// add takes in the range up to the end, and makes one of it and the last one if nothing lies between.
func (r *RangeReader) add(from int64) {
	if last := len(r.ranges) - 1; last >= 0 && r.ranges[last][1] == from {
		r.ranges[last][1] = r.end
		return
	}
	r.ranges = append(r.ranges, [2]int64{from, r.end})
}

// complete returns an error if more lies after the last range than may.
func (r *RangeReader) complete() error {
	if r.end < r.size && r.size > r.beside {
		return errBeside
	}
	return nil
}

// errBeside is returned for ranges that leave out pages which the other image does not have.
var errBeside = fmt.Errorf("%w: pages are missing in the ranges that have changed", ErrFrame)

// Ranges returns the ranges so far.
func (r *RangeReader) Ranges() [][2]int64 { return r.ranges }
