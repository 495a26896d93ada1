package btree

import (
	"encoding/binary"
	"math"
	"strings"
)

// Collation says which texts are equal as keys.
type Collation int

// The collations of SQLite (https://www.sqlite.org/datatype3.html, section 7).
const (
	Binary Collation = iota // equal bytes; a collation of the application is taken for this
	NoCase                  // letters A to Z in upper or lower case are equal
	RTrim                   // spaces at the end do not count
)

// ParseCollation returns the collation of a name, false for one of the application.
func ParseCollation(name string) (Collation, bool) {
	switch lower(name) {
	case "binary":
		return Binary, true
	case "nocase":
		return NoCase, true
	case "rtrim":
		return RTrim, true
	}
	return Binary, false
}

// appendKey appends a value to the bytes of a key. The bytes of two values are equal if SQLite takes
// the values for equal: an integer is equal to the floating-point number of the same size.
func (c Collation) appendKey(b []byte, v any) []byte {
	switch v := v.(type) {
	case int64:
		return appendInteger(b, v)
	case float64:
		const limit = 1 << 63
		if v == math.Trunc(v) && -limit <= v && v < limit {
			return appendInteger(b, int64(v))
		}
		return binary.BigEndian.AppendUint64(append(b, 'r'), math.Float64bits(v))
	case string:
		return appendText(append(b, 't'), c.equal(v))
	case Malformed:
		return appendText(append(b, 'm'), string(v))
	case []byte:
		return appendText(append(b, 'b'), string(v))
	}
	return append(b, 'n')
}

// equal returns a text that is the same for all texts that are equal.
func (c Collation) equal(text string) string {
	switch c {
	case NoCase:
		return lower(text)
	case RTrim:
		return strings.TrimRight(text, " ")
	}
	return text
}

// lower returns a text in lower case up to its first zero byte, where SQLite stops to compare, and
// as long as it was.
func lower(text string) string {
	b := []byte(text)
	end := len(b)
	for i, c := range b {
		switch {
		case i > end:
			b[i] = 0
		case c == 0:
			end = i
		case 'A' <= c && c <= 'Z':
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

func appendInteger(b []byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(append(b, 'i'), uint64(n))
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}
