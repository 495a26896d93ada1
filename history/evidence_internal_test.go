package history

import (
	"encoding/binary"
	"testing"
)

// TestSum leaves the counters of the header out of a sum, wherever the bytes begin, and nothing else.
func TestSum(t *testing.T) {
	t.Parallel()
	page := make([]byte, 512)
	for _, from := range []int{0, 24, 30, 93, 99, 100, 200} {
		whole := sum(page[from:], int64(from))
		for at := from; at < 120; at++ {
			counter := at >= 24 && at < 40 || at >= 92 && at < 100
			page[at] = 1
			if same := sum(page[from:], int64(from)) == whole; same != counter {
				t.Errorf("from %d: the byte at %d is a counter: got %v, want %v", from, at, same, counter)
			}
			page[at] = 0
		}
	}
}

// TestSaysSize compares headers with sizes.
func TestSaysSize(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name              string
		pageSize          uint16
		pages             uint32
		counter, validFor uint32
		size              int64
		want              bool
	}{
		{"OK", 4096, 3, 7, 7, 3 * 4096, true},
		{"OtherSize", 4096, 3, 7, 7, 4 * 4096, false},
		{"SizeNotValid", 4096, 3, 7, 6, 4 * 4096, true},
		{"NoSize", 4096, 0, 7, 7, 4 * 4096, true},
		{"HalfAPage", 4096, 0, 7, 7, 3*4096 + 512, false},
		{"Largest", 1, 2, 7, 7, 2 * 65536, true},
		{"NoPageSize", 0, 2, 7, 7, 2 * 65536, false},
	} {
		header := make([]byte, headerLen)
		binary.BigEndian.PutUint16(header[pageSizeAt:], tt.pageSize)
		binary.BigEndian.PutUint32(header[pageCountAt:], tt.pages)
		binary.BigEndian.PutUint32(header[countersFrom:], tt.counter)
		binary.BigEndian.PutUint32(header[validForAt:], tt.validFor)
		if got := saysSize(header, tt.size); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}
