package btree_test

import (
	"testing"

	"firn/btree"
)

// TestManyColumns decodes a record with more values than any table has columns.
func TestManyColumns(t *testing.T) {
	t.Parallel()
	for claimed, want := range map[int]int{1: 1, 2000: 2000, 32767: 32767, 32768: 32767, 1 << 20: 32767} {
		record := append(header(claimed), make([]byte, claimed)...)
		got, err := btree.Decode(record, btree.UTF8)
		if err != nil || len(got) != want {
			t.Errorf("%d columns: got %d, %v, want %d", claimed, len(got), err, want)
		}
	}
}

// header returns the length of a record's header with n types of one byte, as SQLite
// writes it.
func header(n int) []byte {
	for size := 1; ; size++ {
		b := []byte{byte(n+size) & 0x7f}
		for v := (n + size) >> 7; v > 0; v >>= 7 {
			b = append([]byte{byte(v)&0x7f | 0x80}, b...)
		}
		if len(b) == size {
			return b
		}
	}
}
