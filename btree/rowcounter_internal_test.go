package btree

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"reflect"
	"slices"
	"testing"
)

// leaf returns a leaf page of 512 bytes with so many cells.
func leaf(kind byte, cells int) []byte {
	page := make([]byte, 512)
	page[0] = kind
	binary.BigEndian.PutUint16(page[3:], uint16(cells))
	return page
}

// interior returns an interior page of 512 bytes; the last child has no cell.
func interior(kind byte, children ...uint32) []byte {
	page := leaf(kind, len(children)-1)
	at := len(page)
	for i, child := range children[:len(children)-1] {
		at -= pointerLen
		binary.BigEndian.PutUint32(page[at:], child)
		binary.BigEndian.PutUint16(page[interiorHeader+2*i:], uint16(at))
	}
	binary.BigEndian.PutUint32(page[lastChild:], children[len(children)-1])
	return page
}

func TestRowCounter(t *testing.T) {
	t.Parallel()
	first := make([]byte, 512)
	chain := func(n int) (pages [][]byte) { // a tree of n levels, of one page each
		pages = append(pages, first)
		for i := range n - 1 {
			pages = append(pages, interior(TableInterior, uint32(i+3)))
		}
		return append(pages, leaf(TableLeaf, 7))
	}
	tests := map[string]struct {
		pages [][]byte
		roots []int64
		want  []int64 // nil: not known
	}{
		"NoTables":      {[][]byte{first}, nil, []int64{}},
		"Leaf":          {[][]byte{first, leaf(TableLeaf, 3)}, []int64{2}, []int64{3}},
		"Empty":         {[][]byte{first, leaf(IndexLeaf, 0)}, []int64{2}, []int64{0}},
		"Table":         {[][]byte{first, leaf(TableLeaf, 3), interior(TableInterior, 4, 2), leaf(TableLeaf, 5)}, []int64{3}, []int64{8}},
		"Index":         {[][]byte{first, leaf(IndexLeaf, 3), interior(IndexInterior, 4, 2), leaf(IndexLeaf, 5)}, []int64{3}, []int64{9}},
		"Free":          {[][]byte{first, leaf(TableLeaf, 3), interior(TableInterior, 2, 2, 9)}, []int64{2}, []int64{3}},
		"OneChild":      {[][]byte{first, interior(IndexInterior, 3), leaf(IndexLeaf, 5)}, []int64{2}, []int64{5}},
		"Deepest":       {chain(maxHeight), []int64{2}, []int64{7}},
		"TooDeep":       {chain(maxHeight + 1), []int64{2}, nil},
		"Twice":         {[][]byte{first, interior(TableInterior, 3, 3), leaf(TableLeaf, 1)}, []int64{2}, nil},
		"TwoRoots":      {[][]byte{first, leaf(TableLeaf, 1)}, []int64{2, 2}, nil},
		"Circle":        {[][]byte{first, interior(TableInterior, 3), interior(TableInterior, 2)}, []int64{2}, nil},
		"Mixed":         {[][]byte{first, interior(TableInterior, 3), leaf(IndexLeaf, 1)}, []int64{2}, nil},
		"FirstPage":     {[][]byte{first, leaf(TableLeaf, 1)}, []int64{1}, nil},
		"RootPastEnd":   {[][]byte{first}, []int64{2}, nil},
		"RootNegative":  {[][]byte{first}, []int64{-1}, nil},
		"ChildPastEnd":  {[][]byte{first, interior(TableInterior, 1<<32-1)}, []int64{2}, nil},
		"TooManyCells":  {[][]byte{first, leaf(TableLeaf, 1<<14)}, []int64{2}, nil},
		"OffsetPastEnd": {[][]byte{first, leaf(TableInterior, 2), leaf(TableLeaf, 1)}, []int64{2}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, known := counted(slices.Concat(tt.pages...), 512, 512, tt.roots)
			if known != (tt.want != nil) || !slices.Equal(got, tt.want) {
				t.Errorf("got %v, known %t, want %v", got, known, tt.want)
			}
		})
	}
}

// counted counts the rows below each root of an image that comes in pieces.
func counted(image []byte, pageSize, piece int, roots []int64) ([]int64, bool) {
	c := NewRowCounter(pageSize, int64(len(image)/pageSize))
	for b := range slices.Chunk(image, piece) {
		c.Add(b)
	}
	return c.Rows(roots)
}

// TestRowCounterIsBounded gives pages with more to remember than trees can have: then nothing is counted.
func TestRowCounterIsBounded(t *testing.T) {
	t.Parallel()
	far := make([]uint32, 80)
	for i := range far {
		far[i] = uint32(i) << 31 // a long way from one to the next
	}
	c := NewRowCounter(512, 1000)
	for range c.count {
		c.Add(interior(TableInterior, far...))
		if int64(cap(c.links)) > 2*c.linksLimit() {
			t.Fatalf("links: got %d bytes, want at most %d", cap(c.links), 2*c.linksLimit())
		}
	}
	if rows, known := c.Rows([]int64{2}); known {
		t.Errorf("got %v, want nothing known", rows)
	}
}

// FuzzRowCounter counts in any bytes. There is no panic, memory and work stay in proportion to the pages, and the result
// does not depend on the pieces in which the bytes come.
func FuzzRowCounter(f *testing.F) {
	f.Add(slices.Concat(leaf('S', 0), interior(IndexInterior, 3, 4), leaf(IndexLeaf, 5), leaf(IndexLeaf, 2)), uint8(0), uint16(100), int64(2), int64(9))
	f.Add(slices.Concat(leaf('S', 0), interior(TableInterior, 3, 2), leaf(TableLeaf, 5)), uint8(0), uint16(512), int64(2), int64(3))
	f.Add(make([]byte, 1<<17), uint8(7), uint16(9), int64(1), int64(2))
	f.Fuzz(func(t *testing.T, image []byte, size uint8, piece uint16, root, second int64) {
		pageSize := minPageSize << (size % 8)
		got, known := counted(image, pageSize, 1+int(piece), []int64{root, second})
		whole, also := counted(image, pageSize, max(len(image), 1), []int64{root, second})
		if known != also || !slices.Equal(got, whole) {
			t.Errorf("in pieces: got %v, %t, want %v, %t", got, known, whole, also)
		}
		for _, n := range got {
			if most := int64(len(image)/pageSize) << 14; n < 0 || n > most {
				t.Errorf("rows: got %d, want at most %d", n, most)
			}
		}
		checkMemory(t, image, pageSize)
	})
}

func checkMemory(t *testing.T, image []byte, pageSize int) {
	t.Helper()
	c := NewRowCounter(pageSize, int64(len(image)/pageSize))
	c.Add(image)
	if got, most := int64(len(c.links)), c.linksLimit(); got > most {
		t.Errorf("links: got %d bytes, want at most %d", got, most)
	}
	if len(c.inner) > len(c.pages) || int64(len(c.pages)) > c.count || len(c.rest) >= pageSize {
		t.Errorf("got %d interior pages, %d pages, %d bytes over, of %d pages", len(c.inner), len(c.pages), len(c.rest), c.count)
	}
}

// FuzzRowCounterFile decodes arbitrary files, and uses the counter that comes of them.
func FuzzRowCounterFile(f *testing.F) {
	c := NewRowCounter(512, 3)
	page := make([]byte, 3*512)
	page[0], page[512], page[1024] = TableLeaf, TableInterior, IndexLeaf
	page[512+4], page[512+13] = 1, 100
	c.Add(page)
	var file bytes.Buffer
	if err := c.Encode(&file, []byte("label")); err != nil {
		f.Fatal(err)
	}
	f.Add(file.Bytes()[len(counterMagic):])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		b = append([]byte(counterMagic), b[:max(0, len(b)-sha256.Size)]...)
		sum := sha256.Sum256(b)
		_, c, err := DecodeRowCounter(bytes.NewReader(append(b, sum[:]...)), int64(len(b)+len(sum)))
		if err != nil {
			return
		}
		again := c.Next(c.count)
		again.Skip(c.count)
		if !again.full && !reflect.DeepEqual(append([]uint16{}, again.pages...), append([]uint16{}, c.pages...)) {
			t.Errorf("pages: got %v, want %v", again.pages, c.pages)
		}
		again.Rows([]int64{1, 2})
	})
}

// TestRowCounterFile checks that the file keeps the label and everything that counting takes.
func TestRowCounterFile(t *testing.T) {
	t.Parallel()
	image := slices.Concat(make([]byte, 512), leaf(TableLeaf, 3), interior(TableInterior, 4, 2), leaf(TableLeaf, 5))
	c := NewRowCounter(512, 4)
	c.Add(image)
	var file bytes.Buffer
	if err := c.Encode(&file, []byte("label")); err != nil {
		t.Fatal(err)
	}
	for n := range file.Len() {
		if _, _, err := DecodeRowCounter(bytes.NewReader(file.Bytes()[:n]), int64(n)); err == nil {
			t.Errorf("the first %d bytes: got no error", n)
		}
	}
	label, again, err := DecodeRowCounter(&file, int64(file.Len()))
	if err != nil || string(label) != "label" {
		t.Fatalf("got label %q, %v, want %q", label, err, "label")
	}
	if rows, ok := again.Rows([]int64{3}); !ok || !slices.Equal(rows, []int64{8}) {
		t.Errorf("rows: got %v, %t, want [8]", rows, ok)
	}
}
