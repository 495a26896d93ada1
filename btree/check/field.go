package check

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"unicode/utf8"

	"firn/btree"
)

// field is a value as it is stored in a record.
type field struct {
	serial uint64
	body   []byte
}

// null reports whether SQLite reads the value as NULL. A number that is none is.
func (f field) null() bool {
	return f.serial == 0 || f.serial == 7 && math.IsNaN(f.float())
}

func (f field) float() float64 { return math.Float64frombits(binary.BigEndian.Uint64(f.body)) }

// integer returns the value of an integer.
func (f field) integer() int64 {
	if f.serial >= 8 {
		return int64(f.serial - 8)
	}
	if len(f.body) == 0 {
		return 0
	}
	v := int64(int8(f.body[0]))
	for _, c := range f.body[1:] {
		v = v<<8 | int64(c)
	}
	return v
}

// whole returns the integer that a number is equal to.
func (f field) whole() (int64, bool) {
	if f.serial != 7 {
		return f.integer(), true
	}
	const limit = 1 << 63
	v := f.float()
	return int64(v), v == math.Trunc(v) && -limit <= v && v < limit
}

// class is the order of types: NULL, numbers, texts, bytes.
func (f field) class() int {
	switch {
	case f.null():
		return 0
	case f.serial < 12:
		return 1
	case f.serial%2 != 0:
		return 2
	}
	return 3
}

// appendTo appends bytes that are the same for equal values only: equal numbers, and equal bytes of the same type.
func (f field) appendTo(b []byte) []byte {
	switch f.class() {
	case 0:
		return append(b, 'n')
	case 1:
		if n, ok := f.whole(); ok {
			return binary.BigEndian.AppendUint64(append(b, 'i'), uint64(n))
		}
		return append(append(b, 'r'), f.body...)
	case 2:
		b = append(b, 't')
	case 3:
		b = append(b, 'b')
	}
	return append(binary.AppendUvarint(b, uint64(len(f.body))), f.body...)
}

// integerField returns an integer as a field, in eight bytes of b.
func integerField(n int64, b []byte) field {
	binary.BigEndian.PutUint64(b, uint64(n))
	return field{6, b}
}

// compare compares two values as SQLite does. It returns false for texts that it cannot compare so: texts of UTF-16 that
// no UTF-8 stands for, in a collation of UTF-8.
func compare(a, b field, c btree.Collation, e btree.Encoding) (int, bool) {
	x, y := a.class(), b.class()
	switch {
	case x != y:
		return cmp.Compare(x, y), true
	case x == 0:
		return 0, true
	case x == 1:
		return compareNumbers(a, b), true
	case x == 2 && c != btree.Binary:
		return compareTexts(a.body, b.body, c, e)
	}
	return bytes.Compare(a.body, b.body), true
}

func compareNumbers(a, b field) int {
	m, x := a.whole()
	n, y := b.whole()
	switch {
	case x && y:
		return cmp.Compare(m, n)
	case x:
		return -compareFloat(b.float(), m)
	case y:
		return compareFloat(a.float(), n)
	}
	return cmp.Compare(a.float(), b.float())
}

// compareFloat compares a number that is no integer of 64 bits with one that is, without rounding.
func compareFloat(v float64, n int64) int {
	const limit = 1 << 63
	switch {
	case v < -limit:
		return -1
	case v >= limit:
		return 1
	}
	if c := cmp.Compare(int64(math.Floor(v)), n); c != 0 {
		return c
	}
	return 1 // v is greater than its floor
}

func compareTexts(a, b []byte, c btree.Collation, e btree.Encoding) (int, bool) {
	if e != btree.UTF8 {
		var ok, okToo bool
		a, ok = toUTF8(a, e)
		b, okToo = toUTF8(b, e)
		if !ok || !okToo {
			return 0, false
		}
	}
	if c == btree.RTrim {
		return bytes.Compare(bytes.TrimRight(a, " "), bytes.TrimRight(b, " ")), true
	}
	return compareNoCase(a, b), true
}

// compareNoCase compares up to the shorter length or the first zero byte, and then the lengths.
func compareNoCase(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		x, y := lowerByte(a[i]), lowerByte(b[i])
		if x != y {
			return cmp.Compare(x, y)
		}
		if x == 0 {
			break
		}
	}
	return cmp.Compare(len(a), len(b))
}

func lowerByte(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func toUTF8(b []byte, e btree.Encoding) ([]byte, bool) {
	if len(b)%2 != 0 {
		return nil, false
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i += 2 {
		r := rune(unit(b[i:], e))
		switch {
		case r >= 0xdc00 && r < 0xe000:
			return nil, false
		case r >= 0xd800 && r < 0xdc00:
			i += 2
			if i >= len(b) {
				return nil, false
			}
			low := rune(unit(b[i:], e))
			if low < 0xdc00 || low >= 0xe000 {
				return nil, false
			}
			r = (r-0xd800)<<10 | (low - 0xdc00) + 0x10000
			out = utf8.AppendRune(out, r)
			continue
		}
		out = utf8.AppendRune(out, r)
	}
	return out, true
}

func unit(b []byte, e btree.Encoding) uint16 {
	if e == btree.UTF16BE {
		return binary.BigEndian.Uint16(b)
	}
	return binary.LittleEndian.Uint16(b)
}
