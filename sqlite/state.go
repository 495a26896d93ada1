package sqlite

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
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

// errState is never shown: it stands for a file that cannot be used.
var errState = errors.New("no census of that image")

// save replaces the file at path by the census of the image that print is of.
func (c *census) save(path string, print Fingerprint) error {
	if c.full || !c.complete() {
		return errState
	}
	temp := path + ".tmp" // one name, so that what a killed process leaves is written over
	err := os.WriteFile(temp, c.encode(print), 0o600)
	if err == nil {
		err = os.Rename(temp, path) // so that a reader sees the old or the new one
	}
	if err != nil {
		_ = os.Remove(temp)
	}
	return err
}

func (c *census) encode(print Fingerprint) []byte {
	text, err := json.Marshal(print)
	if err != nil {
		panic("sqlite: internal error: " + err.Error())
	}
	le := binary.LittleEndian
	b := append([]byte(nil), stateMagic...)
	b = append(le.AppendUint32(b, uint32(len(text))), text...)
	b = le.AppendUint32(b, uint32(c.pageSize))
	for _, n := range []int{len(c.pages), len(c.inner), len(c.links)} {
		b = le.AppendUint64(b, uint64(n))
	}
	for _, p := range c.pages {
		b = le.AppendUint16(b, p)
	}
	for _, i := range c.inner {
		b = le.AppendUint32(le.AppendUint32(b, i.page), i.first)
	}
	b = append(b, c.links...)
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

// loadCensus returns the census of the image that print is of.
func loadCensus(path string, print Fingerprint, pageSize int) (*census, error) {
	if path == "" {
		return nil, errState
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	of, c, err := decodeCensus(b)
	if err != nil {
		return nil, err
	}
	// The record of an image that was found unchanged may have a later fingerprint.
	if c.pageSize != pageSize || !print.same(of) {
		return nil, errState
	}
	return c, nil
}

func decodeCensus(b []byte) (of Fingerprint, c *census, err error) {
	end := len(b) - sha256.Size
	if end < 0 || sha256.Sum256(b[:end]) != [sha256.Size]byte(b[end:]) {
		return of, nil, errState
	}
	b, sound := bytes.CutPrefix(b[:end], []byte(stateMagic))
	if !sound || len(b) < 4 {
		return of, nil, errState
	}
	n := uint64(binary.LittleEndian.Uint32(b))
	if b = b[4:]; n > uint64(len(b)) || json.Unmarshal(b[:n], &of) != nil {
		return of, nil, errState
	}
	c, err = decodePages(b[n:])
	return of, c, err
}

// decodePages decodes from the page size on.
func decodePages(b []byte) (*census, error) {
	const counts = 4 + 3*8
	if len(b) < counts {
		return nil, errState
	}
	le := binary.LittleEndian
	pages, inners, links := le.Uint64(b[4:]), le.Uint64(b[12:]), le.Uint64(b[20:])
	c := &census{pageSize: int(le.Uint32(b)), count: int64(pages)}
	b = b[counts:]
	if limit := uint64(len(b)); pages > limit || inners > limit || links > limit || 2*pages+8*inners+links != limit {
		return nil, errState
	}
	c.pages, c.inner = make([]uint16, pages), make([]inner, inners)
	for i := range c.pages {
		c.pages[i] = le.Uint16(b[2*i:])
	}
	b = b[2*pages:]
	for i := range c.inner {
		c.inner[i] = inner{le.Uint32(b[8*i:]), le.Uint32(b[8*i+4:])}
	}
	c.links = b[8*inners:]
	return c, c.check()
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
