package check

import (
	"strings"

	"firn/sqlite/caseless"
)

// affinity is the kind of value that a column prefers (https://www.sqlite.org/datatype3.html, section 3).
type affinity byte

// The affinities.
const (
	affinityBlob affinity = iota
	affinityText
	affinityNumeric
	affinityInteger
	affinityReal
)

// typeMask is a set of types of values.
type typeMask byte

// The types of values, and all of them.
const (
	typeInteger typeMask = 1 << iota
	typeReal
	typeText
	typeBlob
	typeNull

	typeAny = typeInteger | typeReal | typeText | typeBlob | typeNull
)

// affinityOf returns the affinity of a declared type. SQLite looks for parts of words from left to right.
func affinityOf(declared string) affinity {
	if declared == "" {
		return affinityBlob
	}
	a := affinityNumeric
	text := caseless.Fold(declared)
	for end := 1; end <= len(text); end++ {
		word := text[max(0, end-4):end]
		switch {
		case word == "char", word == "clob", word == "text":
			a = affinityText
		case word == "blob" && (a == affinityNumeric || a == affinityReal):
			a = affinityBlob
		case (word == "real" || word == "floa" || word == "doub") && a == affinityNumeric:
			a = affinityReal
		case strings.HasSuffix(word, "int"):
			return affinityInteger
		}
	}
	return a
}

// restrict sets the types that a column of a STRICT table allows. It returns false for a type that these do not have.
func (c *column) restrict() bool {
	switch strings.ToUpper(c.typeName) {
	case "ANY":
		c.affinity = affinityBlob
	case "INT", "INTEGER":
		c.types = typeInteger | typeNull
	case "REAL":
		c.types = typeInteger | typeReal | typeNull
	case "TEXT":
		c.types = typeText | typeNull
	case "BLOB":
		c.types = typeBlob | typeNull
	default:
		return false
	}
	return true
}

// typeOf returns the type of a stored value.
func typeOf(serial uint64) typeMask {
	switch {
	case serial == 0 || serial == 10 || serial == 11:
		return typeNull
	case serial == 7:
		return typeReal
	case serial < 10:
		return typeInteger
	case serial%2 == 0:
		return typeBlob
	}
	return typeText
}

// looksNumeric reports whether SQLite would store a text, by its bytes, as a number in a column of numbers: spaces, a
// number, spaces. SQLite looks at the text up to its first zero. A unit takes width bytes, of which the one at low is not
// zero.
func looksNumeric(b []byte, width, low int) bool {
	if c := b[:min(1, len(b))]; width == 1 && len(c) > 0 && c[0] > '9' {
		return false // most texts
	}
	var text []byte
	for i := 0; i+width <= len(b); i += width {
		if width == 2 && b[i+1-low] != 0 {
			return false
		}
		text = append(text, b[i+low])
	}
	before, _, _ := strings.Cut(string(text), "\x00")
	return isNumber(strings.Trim(before, " \t\n\v\f\r"))
}

func isNumber(s string) bool {
	if s != "" && (s[0] == '+' || s[0] == '-') {
		s = s[1:]
	}
	whole, s := digits(s)
	part := 0
	if s != "" && s[0] == '.' {
		part, s = digits(s[1:])
	}
	if whole+part == 0 {
		return false
	}
	if s != "" && s[0]|0x20 == 'e' {
		if s = s[1:]; s != "" && (s[0] == '+' || s[0] == '-') {
			s = s[1:]
		}
		n, rest := digits(s)
		return n > 0 && rest == ""
	}
	return s == ""
}

// digits returns how many digits a text begins with, and the rest.
func digits(s string) (int, string) {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n, s[n:]
}
