package btree

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"slices"
)

// The file of a row counter; numbers are little-endian:
//
//	size  field
//	   8  counterMagic, which no other layout has
//	   4  length of the label
//	      label, by which the caller knows the image
//	   4  page size
//	   8  number of pages
//	   8  number of interior pages
//	   8  length of the links
//	   2  for each page: mark and cells
//	   8  for each interior page: its number, where its links begin
//	      links
//	  32  SHA-256 of all before: it does not match in a file that was written in part or is damaged
const counterMagic = "firncen1"

var le = binary.LittleEndian

// errCounterFile is returned for bytes that are not the file of a row counter.
var errCounterFile = errors.New("not the file of a row counter")

// fileBlock is how many pages are encoded and decoded at a time. There is no copy of the whole file in memory: it takes
// 12 MB for a database of 10 GB.
const fileBlock = 8 << 10

// Encode writes a [RowCounter.Usable] counter and a label that says of which image it is. Call it before
// [RowCounter.Rows].
func (c *RowCounter) Encode(w io.Writer, label []byte) error {
	sum := sha256.New()
	b := bufio.NewWriter(io.MultiWriter(w, sum)) // keeps the first error for Flush
	b.WriteString(counterMagic)
	b.Write(le.AppendUint32(b.AvailableBuffer(), uint32(len(label))))
	b.Write(label)
	c.encodePages(b)
	if err := b.Flush(); err != nil {
		return err
	}
	_, err := w.Write(sum.Sum(nil))
	return err
}

// encodePages encodes from the page size on.
func (c *RowCounter) encodePages(b *bufio.Writer) {
	b.Write(le.AppendUint32(b.AvailableBuffer(), uint32(c.pageSize)))
	for _, n := range []int{len(c.pages), len(c.inner), len(c.links)} {
		b.Write(le.AppendUint64(b.AvailableBuffer(), uint64(n)))
	}
	for block := range slices.Chunk(c.pages, fileBlock) {
		binary.Write(b, le, block)
	}
	for _, i := range c.inner {
		b.Write(le.AppendUint32(le.AppendUint32(b.AvailableBuffer(), i.page), i.first))
	}
	b.Write(c.links)
}

// DecodeRowCounter reads what [RowCounter.Encode] has written, a file of size bytes. The bytes are not trusted: memory
// is bounded by their number, and nothing is returned unless the checksum at their end is right.
func DecodeRowCounter(r io.Reader, size int64) (label []byte, c *RowCounter, err error) {
	sum := sha256.New()
	d := &counterReader{r: bufio.NewReader(io.TeeReader(io.LimitReader(r, size-sha256.Size), sum)), left: size - sha256.Size}
	if magic := d.next(int64(len(counterMagic))); string(magic) != counterMagic {
		return nil, nil, errCounterFile
	}
	label = d.next(d.number(4))
	c = d.counter()
	var want [sha256.Size]byte
	if _, err := io.ReadFull(r, want[:]); err != nil || d.failed || d.left != 0 || [sha256.Size]byte(sum.Sum(nil)) != want {
		return nil, nil, errCounterFile
	}
	if err := c.checkLinks(); err != nil {
		return nil, nil, err
	}
	return label, c, nil
}

// counterReader reads the fields of the file. After the first field that is not there, it reads nothing.
type counterReader struct {
	r      *bufio.Reader
	left   int64 // bytes before the checksum
	failed bool
}

// next returns the next n bytes, nil if there are fewer.
func (d *counterReader) next(n int64) []byte {
	if !d.take(n) {
		return nil
	}
	b := make([]byte, n)
	_, err := io.ReadFull(d.r, b)
	d.failed = err != nil
	return b
}

// take reports whether there are n more bytes, and counts them as read.
func (d *counterReader) take(n int64) bool {
	d.failed = d.failed || n < 0 || n > d.left
	d.left -= n
	return !d.failed
}

// number returns the next number, of 4 or 8 bytes.
func (d *counterReader) number(size int64) int64 {
	var b [8]byte
	copy(b[:], d.next(size))
	return int64(le.Uint64(b[:]))
}

// counter reads from the page size on.
func (d *counterReader) counter() *RowCounter {
	c := &RowCounter{pageSize: int(d.number(4)), count: d.number(8)}
	inners, links := d.number(8), d.number(8)
	if most := uint64(d.left); uint64(c.count) > most || uint64(inners) > most || 2*c.count+8*inners+links != d.left {
		d.failed = true // otherwise no number is below zero, and the sum has not overflowed
	}
	if d.take(2 * c.count) {
		c.pages = d.pages(c.count)
	}
	if d.take(8 * inners) {
		c.inner = d.inner(inners)
	}
	c.links = d.next(links)
	return c
}

func (d *counterReader) pages(n int64) []uint16 {
	pages := make([]uint16, n)
	for block := range slices.Chunk(pages, fileBlock) {
		d.failed = d.failed || binary.Read(d.r, le, block) != nil
	}
	return pages
}

func (d *counterReader) inner(n int64) []inner {
	list := make([]inner, n)
	var b [8]byte
	for i := range list {
		_, err := io.ReadFull(d.r, b[:])
		d.failed = d.failed || err != nil
		list[i] = inner{le.Uint32(b[:]), le.Uint32(b[4:])}
	}
	return list
}

// checkLinks makes sure that each interior page has its links, in order.
func (c *RowCounter) checkLinks() error {
	links, next := uint32(0), 0
	for i, mark := range c.pages {
		if mark&markMask != markInterior {
			continue
		}
		if next == len(c.inner) || c.inner[next].page != uint32(i+1) || c.inner[next].first < links {
			return errCounterFile
		}
		links = c.inner[next].first
		next++
	}
	if next < len(c.inner) || uint64(links) > uint64(len(c.links)) {
		return errCounterFile
	}
	return nil
}
