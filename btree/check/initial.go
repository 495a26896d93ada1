package check

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"strconv"
	"unicode/utf16"

	"firn/btree"
)

// initial is the value that a column has in rows that are older than the column. SQLite computes it from the DEFAULT.
// The zero value is NULL.
type initial struct {
	sql     bool // only SQLite knows the value
	serial  uint64
	body    []byte
	text    string
	hasText bool // text, in the encoding of the database
}

// initial reads a DEFAULT.
func (p *parser) initial(c *column) {
	start := p.at
	if p.takeSign('(') {
		v, ok := p.signed(c.affinity)
		if ok && p.takeSign(')') {
			c.initial = v
			return
		}
		p.at = start
		p.skip()
		c.initial = initial{sql: true}
		return
	}
	var ok bool
	c.initial, ok = p.signed(c.affinity)
	p.ok = p.ok && ok
}

// signed reads a literal, or a number with a sign.
func (p *parser) signed(a affinity) (initial, bool) {
	negative, positive := p.takeSign('-'), p.takeSign('+')
	t := p.next()
	switch {
	case t.kind == 'n', (t.kind == 's' || t.kind == 'b' || t.kind == 'q' || t.kind == 'i') && !negative && !positive:
		return literal(t, negative, a), true
	}
	return initial{sql: true}, t.kind == 'i'
}

// literal returns the value of a literal as a column of an affinity stores it. Values that would be changed on the way
// are left to SQLite, but for the easy ones.
func literal(t token, negative bool, a affinity) initial {
	switch {
	case t.is("NULL"):
		return initial{}
	case t.kind == 'n' && a == affinityText:
		if n, err := strconv.ParseInt(t.text, 10, 64); err == nil && len(t.text) < 18 {
			if negative {
				n = -n
			}
			return initial{text: strconv.FormatInt(n, 10), hasText: true}
		}
	case t.kind == 'n':
		return numeral(t.text, negative)
	case t.kind == 's' && (a == affinityText || a == affinityBlob || !looksNumeric([]byte(t.text), 1, 0)):
		return initial{text: t.text, hasText: true}
	case t.kind == 'b' && len(t.text)%2 == 0:
		if b, err := hex.DecodeString(t.text); err == nil {
			return initial{serial: uint64(12 + 2*len(b)), body: b}
		}
	}
	return initial{sql: true}
}

// numeral returns a number of few digits, which needs no care in rounding.
func numeral(text string, negative bool) initial {
	unknown := initial{sql: true}
	if len(text) > 15 || !isNumber(text) {
		return unknown
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return unknown
	}
	if negative {
		v = -v
	}
	if n := int64(v); v == math.Trunc(v) && math.Abs(v) < 1<<53 {
		return initial{serial: 6, body: binary.BigEndian.AppendUint64(nil, uint64(n))}
	}
	return initial{serial: 7, body: binary.BigEndian.AppendUint64(nil, math.Float64bits(v))}
}

// encode turns a text into the bytes of a database's encoding.
func (v initial) encode(e btree.Encoding) initial {
	if !v.hasText {
		return v
	}
	v.body = []byte(v.text)
	if e != btree.UTF8 {
		v.body = nil
		for _, unit := range utf16.Encode([]rune(v.text)) {
			if e == btree.UTF16BE {
				v.body = binary.BigEndian.AppendUint16(v.body, unit)
			} else {
				v.body = binary.LittleEndian.AppendUint16(v.body, unit)
			}
		}
	}
	v.serial = uint64(13 + 2*len(v.body))
	return v
}
