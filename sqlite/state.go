package sqlite

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"
)

// The file of a census; numbers are little-endian:
//
//	size  field
//	   8  stateMagic, which no other layout has
//	   4  length of the fingerprint
//	      fingerprint, JSON: what image it is the census of
//	   4  page size
//	   8  number of pages
//	   8  number of interior pages
//	   8  length of the links
//	   2  for each page: mark and cells
//	   8  for each interior page: its number, where its links begin
//	      links
//	  32  SHA-256 of all before: a file that was written in part, or is damaged, is none
//
// It is written without fsync: losing it costs a reading of all pages.
const stateMagic = "firncen1"

var le = binary.LittleEndian

// errState is never shown: it stands for a file that cannot be used.
var errState = errors.New("no census of that image")

// save replaces the file at path by the census of the image that print is of.
func (c *census) save(path string, print Fingerprint) error {
	if c.full || !c.complete() {
		return errState
	}
	temp := path + ".tmp" // one name, so that what a killed process leaves is written over
	err := c.write(temp, print)
	if err == nil {
		err = os.Rename(temp, path) // so that a reader sees the old or the new one
	}
	if err != nil {
		_ = os.Remove(temp)
	}
	return err
}

func (c *census) write(path string, print Fingerprint) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(c.encode(f, print), f.Close())
}

// stateBlock is how many pages are encoded and decoded at a time: there is no copy of the whole file in memory, which has
// 12 MB for a database of 10 GB.
const stateBlock = 8 << 10

func (c *census) encode(w io.Writer, print Fingerprint) error {
	text, err := json.Marshal(print)
	if err != nil {
		panic("sqlite: internal error: " + err.Error())
	}
	sum := sha256.New()
	b := bufio.NewWriter(io.MultiWriter(w, sum)) // keeps the first error for Flush
	b.WriteString(stateMagic)
	b.Write(le.AppendUint32(b.AvailableBuffer(), uint32(len(text))))
	b.Write(text)
	c.encodePages(b)
	if err := b.Flush(); err != nil {
		return err
	}
	_, err = w.Write(sum.Sum(nil))
	return err
}

// encodePages encodes from the page size on.
func (c *census) encodePages(b *bufio.Writer) {
	b.Write(le.AppendUint32(b.AvailableBuffer(), uint32(c.pageSize)))
	for _, n := range []int{len(c.pages), len(c.inner), len(c.links)} {
		b.Write(le.AppendUint64(b.AvailableBuffer(), uint64(n)))
	}
	for block := range slices.Chunk(c.pages, stateBlock) {
		binary.Write(b, le, block)
	}
	for _, i := range c.inner {
		b.Write(le.AppendUint32(le.AppendUint32(b.AvailableBuffer(), i.page), i.first))
	}
	b.Write(c.links)
}

// loadCensus returns the census of the image that print is of.
func loadCensus(path string, print Fingerprint, pageSize int) (*census, error) {
	if path == "" {
		return nil, errState
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	of, c, err := decodeCensus(f, info.Size())
	if err != nil {
		return nil, err
	}
	// The record of an image that was found unchanged may have a later fingerprint.
	if c.pageSize != pageSize || !print.same(of) {
		return nil, errState
	}
	return c, nil
}

// decodeCensus reads a file of size bytes. What it makes of them is of no use until the checksum at their end has proved
// right; memory is bounded by their number all the same.
func decodeCensus(r io.Reader, size int64) (of Fingerprint, c *census, err error) {
	sum := sha256.New()
	d := &stateReader{r: bufio.NewReader(io.TeeReader(io.LimitReader(r, size-sha256.Size), sum)), left: size - sha256.Size}
	if magic := d.next(int64(len(stateMagic))); string(magic) != stateMagic {
		return of, nil, errState
	}
	text := d.next(d.number(4))
	c = d.census()
	var want [sha256.Size]byte
	if _, err := io.ReadFull(r, want[:]); err != nil || d.failed || d.left != 0 || [sha256.Size]byte(sum.Sum(nil)) != want {
		return of, nil, errState
	}
	if json.Unmarshal(text, &of) != nil {
		return of, nil, errState
	}
	return of, c, c.check()
}

// stateReader reads the fields of the file. After the first that is not there, it reads nothing.
type stateReader struct {
	r      *bufio.Reader
	left   int64 // bytes before the checksum
	failed bool
}

// next returns the next n bytes, nil if there are fewer.
func (d *stateReader) next(n int64) []byte {
	if !d.take(n) {
		return nil
	}
	b := make([]byte, n)
	_, err := io.ReadFull(d.r, b)
	d.failed = err != nil
	return b
}

// take reports whether there are n more bytes, and counts them as read.
func (d *stateReader) take(n int64) bool {
	d.failed = d.failed || n < 0 || n > d.left
	d.left -= n
	return !d.failed
}

// number returns the next number, of 4 or 8 bytes.
func (d *stateReader) number(size int64) int64 {
	var b [8]byte
	copy(b[:], d.next(size))
	return int64(le.Uint64(b[:]))
}

// census reads from the page size on.
func (d *stateReader) census() *census {
	c := &census{pageSize: int(d.number(4)), count: d.number(8)}
	inners, links := d.number(8), d.number(8)
	if most := uint64(d.left); uint64(c.count) > most || uint64(inners) > most || 2*c.count+8*inners+links != d.left {
		d.failed = true // so that none is less than zero, and the sum has not overflowed
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

func (d *stateReader) pages(n int64) []uint16 {
	pages := make([]uint16, n)
	for block := range slices.Chunk(pages, stateBlock) {
		d.failed = d.failed || binary.Read(d.r, le, block) != nil
	}
	return pages
}

func (d *stateReader) inner(n int64) []inner {
	list := make([]inner, n)
	var b [8]byte
	for i := range list {
		_, err := io.ReadFull(d.r, b[:])
		d.failed = d.failed || err != nil
		list[i] = inner{le.Uint32(b[:]), le.Uint32(b[4:])}
	}
	return list
}

// check makes sure that each interior page has its links, in order.
func (c *census) check() error {
	links, next := uint32(0), 0
	for i, mark := range c.pages {
		if mark&markMask != markInterior {
			continue
		}
		if next == len(c.inner) || c.inner[next].page != uint32(i+1) || c.inner[next].first < links {
			return errState
		}
		links = c.inner[next].first
		next++
	}
	if next < len(c.inner) || uint64(links) > uint64(len(c.links)) {
		return errState
	}
	return nil
}
