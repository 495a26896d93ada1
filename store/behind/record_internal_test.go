package behind

import (
	"bytes"
	"errors"
	"slices"
	"testing"
)

func TestRecord(t *testing.T) {
	t.Parallel()
	for _, data := range []string{"", "x", "the bytes of an object"} {
		record := append(recordHead("meta/a", []byte(data)), data...)
		if got, want := int64(len(record)), recordSize("meta/a", int64(len(data))); got != want {
			t.Errorf("got a record of %d bytes, want %d", got, want)
		}
		name, got, err := decodeRecord(record)
		if name != "meta/a" || string(got) != data || err != nil {
			t.Errorf("got %q, %q, %v, want meta/a, %q", name, got, err, data)
		}
		for i := range record { // each torn record, and each with a wrong byte
			wrong := slices.Clone(record)
			wrong[i] ^= 0x40
			for _, b := range [][]byte{record[:i], wrong} {
				if _, _, err := decodeRecord(b); !errors.Is(err, errDamaged) {
					t.Errorf("%x: got %v, want errDamaged", b, err)
				}
			}
		}
	}
}

func TestFileNames(t *testing.T) {
	t.Parallel()
	for _, number := range []uint64{0, 1, 0xabcdef, 1<<64 - 1} {
		for _, ending := range []string{waiting, temporary, damaged} {
			n, e, ok := parseFileName(fileName(number, ending))
			if n != number || e != ending || !ok {
				t.Errorf("got %d, %q, %v, want %d, %q", n, e, ok, number, ending)
			}
		}
	}
	for _, name := range []string{"", "lock", "1.put", "000000000000000A.put", "+00000000000001.put", "000000000000000g.put"} {
		if n, e, ok := parseFileName(name); ok {
			t.Errorf("%q: got %d, %q, want none", name, n, e)
		}
	}
}

func FuzzDecodeRecord(f *testing.F) {
	f.Add(append(recordHead("meta/a", []byte("x")), 'x'))
	f.Add(recordHead("packs/00/ab", nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		name, data, err := decodeRecord(b)
		if err == nil && !bytes.Equal(append(recordHead(name, data), data...), b) {
			t.Errorf("%x is another record than that of what it holds", b)
		}
	})
}
