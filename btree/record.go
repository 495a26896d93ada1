package btree

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"unicode/utf16"
)

// A record (section 2.1): the length of its header (varint), in the header a serial
// type for each column (varints), then the values.
//
//	type    bytes  value
//	0           0  NULL
//	1 to 4   1..4  integer, big-endian
//	5           6  integer
//	6           8  integer
//	7           8  IEEE 754 number
//	8, 9        0  0 and 1
//	n>=12 even     (n-12)/2 bytes
//	n>=13 odd      text of (n-13)/2 bytes

// maxColumns is the greatest number of columns of a table, however SQLite was built. A value that
// takes no bytes takes one byte in a record and 16 in memory.
const maxColumns = 32767

// Malformed is text in UTF-16, by its bytes as they are stored, that no UTF-8 stands for: half of a
// surrogate pair or half of a unit is missing.
type Malformed string

// Decode returns the values of a record: each nil, int64, float64, string, []byte or [Malformed].
// Texts come as UTF-8 from any encoding; a []byte is part of record. Values beyond the greatest number of columns
// are passed over, as SQLite does.
func Decode(record []byte, e Encoding) ([]any, error) {
	length, n := Varint(record)
	if n == 0 || length > uint64(len(record)) || length < uint64(n) {
		return nil, fmt.Errorf("%w: a record's header has %d bytes of %d", ErrFormat, length, len(record))
	}
	types, body := record[n:length], record[length:]
	values := make([]any, 0, min(len(types), 32))
	for len(types) > 0 && len(values) < maxColumns {
		serial, n := Varint(types)
		size := SerialSize(serial)
		if n == 0 || size > uint64(len(body)) {
			return nil, fmt.Errorf("%w: a record of %d bytes has a value of type %d", ErrFormat, len(record), serial)
		}
		values = append(values, value(serial, body[:size], e))
		types, body = types[n:], body[size:]
	}
	return values, nil
}

// SerialSize returns the length of a value of a serial type. For a type that does not exist the length is greater
// than any record.
func SerialSize(serial uint64) uint64 {
	switch {
	case serial <= 4:
		return serial
	case serial == 5:
		return 6
	case serial <= 7:
		return 8
	case serial <= 9:
		return 0
	case serial <= 11:
		return math.MaxUint64 // reserved
	}
	return (serial - 12) / 2
}

func value(serial uint64, b []byte, e Encoding) any {
	switch {
	case serial == 0:
		return nil
	case serial == 7:
		v := math.Float64frombits(binary.BigEndian.Uint64(b))
		if math.IsNaN(v) {
			return nil // as SQLite reads it
		}
		return v
	case serial == 8, serial == 9:
		return int64(serial - 8)
	case serial < 8:
		return integer(b)
	case serial%2 == 0:
		return b
	}
	return text(b, e)
}

func integer(b []byte) int64 {
	v := int64(int8(b[0]))
	for _, c := range b[1:] {
		v = v<<8 | int64(c)
	}
	return v
}

// text returns a string, or a Malformed.
func text(b []byte, e Encoding) any {
	if e == UTF8 {
		return string(b)
	}
	units := unitsOf(b, e)
	runes := utf16.Decode(units)
	if len(b)%2 != 0 || !slices.Equal(utf16.Encode(runes), units) {
		return Malformed(b)
	}
	return string(runes)
}

func unitsOf[T string | []byte](b T, e Encoding) []uint16 {
	units := make([]uint16, len(b)/2)
	for i := range units {
		low, high := b[2*i], b[2*i+1]
		if e == UTF16BE {
			low, high = high, low
		}
		units[i] = uint16(high)<<8 | uint16(low)
	}
	return units
}
