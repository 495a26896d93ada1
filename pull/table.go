package pull

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"os"

	"firn/chunk"
	"firn/crypt"
)

// Table has the hash of each page of a stored image. With it, a later image is compared where it is.
//
// Its file is private, and can be deleted at any time: the table is made again of the stored image then. It is
//
//	8 bytes    "firnpull"
//	4 bytes    1, the version
//	4 bytes    the page size, big-endian
//	32 bytes   the root of the image's tree
//	32 bytes   the key of the hashes
//	16 bytes   for each page, its hash
//	32 bytes   SHA-256 of everything before
type Table struct {
	pageSize int
	root     chunk.ID
	key      crypt.PageKey
	hashes   []crypt.PageHash
}

const (
	tableMagic   = "firnpull\x00\x00\x00\x01"
	tableHeadLen = len(tableMagic) + 4 + 2*32
)

// errTable stands for a file that is no table of the wanted image. It is never shown.
var errTable = errors.New("pull: no table of that image")

// newTable returns an empty table with a key of its own.
func newTable(pageSize int) *Table {
	return &Table{pageSize: pageSize, key: crypt.NewPageKey()}
}

// loadTable reads the table of the image with a root.
func loadTable(path string, root chunk.ID, pageSize int) (*Table, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	body := len(b) - sha256.Size
	if body < tableHeadLen || (body-tableHeadLen)%crypt.PageHashSize != 0 || !bytes.HasPrefix(b, []byte(tableMagic)) {
		return nil, errTable
	}
	if sum := sha256.Sum256(b[:body]); !bytes.Equal(sum[:], b[body:]) {
		return nil, errTable
	}
	t := &Table{}
	rest := b[len(tableMagic):body]
	t.pageSize, rest = int(binary.BigEndian.Uint32(rest)), rest[4:]
	rest = rest[copy(t.root[:], rest):]
	rest = rest[copy(t.key[:], rest):]
	if t.root != root || t.pageSize != pageSize {
		return nil, errTable
	}
	for ; len(rest) > 0; rest = rest[crypt.PageHashSize:] {
		t.hashes = append(t.hashes, crypt.PageHash(rest))
	}
	return t, nil
}

// save replaces the file. It is written without fsync: a lost or half file is no table.
func (t *Table) save(path string) error {
	b := append(make([]byte, 0, tableHeadLen+len(t.hashes)*crypt.PageHashSize+sha256.Size), tableMagic...)
	b = binary.BigEndian.AppendUint32(b, uint32(t.pageSize))
	b = append(b, t.root[:]...)
	b = append(b, t.key[:]...)
	for _, h := range t.hashes {
		b = append(b, h[:]...)
	}
	sum := sha256.Sum256(b)
	temporary := path + ".tmp" // always this name, so that the file of a killed process is written over
	err := os.WriteFile(temporary, append(b, sum[:]...), 0o600)
	if err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		_ = os.Remove(temporary)
	}
	return err
}

// shrink removes the hashes of pages that an image does not have.
func (t *Table) shrink(pages int64) {
	t.hashes = t.hashes[:min(int64(len(t.hashes)), pages)]
}

// set takes in the hash of a page, which follows the pages of the table or is one of them. So the table is never longer than
// the pages that have come, whatever the other side says of its image.
func (t *Table) set(page int64, h crypt.PageHash) {
	if page == int64(len(t.hashes)) {
		t.hashes = append(t.hashes, h)
		return
	}
	t.hashes[page] = h
}

// comparison compares the pages of another image with the table's, by their hashes. It keeps no hashes: their number is the
// other side's to say.
type comparison struct {
	table  *Table
	pages  int64      // whose hashes have come
	ranges [][2]int64 // of bytes, in which the images differ
}

func (t *Table) comparison() *comparison { return &comparison{table: t} }

// receive receives the hashes of a number of pages.
func (c *comparison) receive(e *exchange, pages int64) error {
	for {
		kind, content, err := e.next()
		switch {
		case err != nil:
			return err
		case kind == Hashed && c.pages == pages:
			return nil
		case kind != Hashes || len(content)%crypt.PageHashSize != 0 || int64(len(content)/crypt.PageHashSize) > pages-c.pages:
			return unexpected(kind)
		}
		for ; len(content) > 0; content = content[crypt.PageHashSize:] {
			c.add(crypt.PageHash(content))
		}
	}
}

// add compares the next page.
func (c *comparison) add(h crypt.PageHash) {
	at, size := c.pages*int64(c.table.pageSize), int64(c.table.pageSize)
	c.pages++
	if n := c.pages - 1; n < int64(len(c.table.hashes)) && c.table.hashes[n] == h {
		return
	}
	if last := len(c.ranges) - 1; last >= 0 && c.ranges[last][1] == at {
		c.ranges[last][1] += size
		return
	}
	c.ranges = append(c.ranges, [2]int64{at, at + size})
}

// tableWriter makes a table of the bytes of an image, in order.
type tableWriter struct {
	table  *Table
	hasher *crypt.PageHasher
	rest   []byte // less than a page
}

func (t *Table) writer() *tableWriter {
	return &tableWriter{table: t, hasher: crypt.NewPageHasher(t.key)}
}

var _ io.Writer = (*tableWriter)(nil)

// Write hashes the pages that are whole.
func (w *tableWriter) Write(p []byte) (int, error) {
	n, size := len(p), w.table.pageSize
	if len(w.rest) > 0 {
		k := min(size-len(w.rest), len(p))
		w.rest, p = append(w.rest, p[:k]...), p[k:]
		if len(w.rest) < size {
			return n, nil
		}
		w.add(w.rest)
		w.rest = w.rest[:0]
	}
	for ; len(p) >= size; p = p[size:] {
		w.add(p[:size])
	}
	w.rest = append(w.rest, p...)
	return n, nil
}

func (w *tableWriter) add(page []byte) {
	w.table.hashes = append(w.table.hashes, w.hasher.Sum(page))
}
