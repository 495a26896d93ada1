package sqldump

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"firn/sqlite/internal/capi"
)

// value writes a value of the current row as a literal. The literal is the same value in any version of SQLite, even
// after a text editor or the shell has changed the ends of lines.
func (d *dump) value(s *capi.Stmt, column int32) {
	switch s.Kind(column) {
	case capi.Integer:
		d.put(strconv.FormatInt(s.Number(column), 10))
	case capi.Float:
		d.put(realLiteral(s.Real(column)))
	case capi.Text:
		stored := s.Bytes(column)
		if text, ok := decodeText(stored, d.encoding); ok {
			d.text(text)
		} else {
			d.castText(stored)
		}
	case capi.Blob:
		d.blob(s.Bytes(column))
	default:
		d.put("NULL")
	}
}

// put writes a part of a statement; [dump.line] returns its errors.
func (d *dump) put(text string) {
	d.length += len(text)
	d.out.WriteString(text)
}

func (d *dump) blob(b []byte) {
	d.length += 2 * len(b)
	d.put("x'")
	hex.NewEncoder(d.out).Write(b)
	d.put("'")
}

// castText writes text by the bytes of its encoding, which the script has set.
func (d *dump) castText(stored []byte) {
	d.put("CAST(")
	d.blob(stored)
	d.put(" AS TEXT)")
}

// maxMarks is the greatest number of kinds of control characters that have marks. Each kind nests one more call, and
// old versions of SQLite parse 27 nested calls. A text with many kinds is no text for people anyway.
const maxMarks = 8

// text writes text. Control characters are written as char(n) in the place of marks that the text does not have, for
// instance replace('one\ntwo','\n',char(10)). Raw control characters would be lost on the way (the shell makes CR LF
// one LF), end the statement (NUL), or do things to a terminal.
func (d *dump) text(text string) {
	controls := controlsOf(text)
	switch {
	case len(controls) == 0:
		d.put(capi.Quote(text))
		return
	case len(controls) > maxMarks:
		d.castText(encodeText(text, d.encoding))
		return
	}
	infix := markInfix(text, controls)
	marks := make([]string, 0, 2*len(controls))
	for _, c := range controls {
		d.put("replace(")
		marks = append(marks, string(rune(c)), markOf(c, infix))
	}
	d.put(capi.Quote(strings.NewReplacer(marks...).Replace(text)))
	for _, c := range controls {
		d.put(fmt.Sprintf(",'%s',char(%d))", markOf(c, infix), c))
	}
}

// controlsOf returns the control characters of a text, each once. A tab does not count.
func controlsOf(text string) (controls []byte) {
	for i := range len(text) {
		if c := text[i]; (c < ' ' && c != '\t' || c == 0x7f) && !slices.Contains(controls, c) {
			controls = append(controls, c)
		}
	}
	return controls
}

// markOf returns the mark for a control character. No mark begins another mark, and a mark has a backslash only at
// its beginning. So each mark is found where it was put, if the text has no such mark of its own.
func markOf(c byte, infix string) string {
	switch c {
	case '\n':
		return `\` + infix + "n"
	case '\r':
		return `\` + infix + "r"
	}
	return fmt.Sprintf(`\%s%02x`, infix, c)
}

// markInfix returns zeros that make marks which a text does not have: no zero if that is enough, and otherwise one
// more than follow any backslash of the text.
func markInfix(text string, controls []byte) string {
	if !slices.ContainsFunc(controls, func(c byte) bool { return strings.Contains(text, markOf(c, "")) }) {
		return ""
	}
	longest := 0
	for rest := text; ; {
		_, after, ok := strings.Cut(rest, `\`)
		if !ok {
			return strings.Repeat("0", longest+1)
		}
		rest = strings.TrimLeft(after, "0")
		longest = max(longest, len(after)-len(rest))
	}
}

// decodeText returns a text as UTF-8. It reports false for a text that does not come back from UTF-8 unchanged:
// malformed text, and text with the two characters that SQLite takes for errors when it makes UTF-16 of them.
func decodeText(stored []byte, encoding string) (text string, ok bool) {
	var order binary.ByteOrder = binary.LittleEndian
	switch encoding {
	case "UTF-8":
		return string(stored), utf8.Valid(stored)
	case "UTF-16be":
		order = binary.BigEndian
	}
	if len(stored)%2 != 0 {
		return "", false
	}
	units := make([]uint16, len(stored)/2)
	for i := range units {
		units[i] = order.Uint16(stored[2*i:])
		if units[i] >= 0xfffe {
			return "", false
		}
	}
	runes := utf16.Decode(units)
	return string(runes), slices.Equal(utf16.Encode(runes), units)
}

// encodeText returns a text in an encoding. It undoes [decodeText].
func encodeText(text, encoding string) []byte {
	var order binary.AppendByteOrder = binary.LittleEndian
	switch encoding {
	case "UTF-8":
		return []byte(text)
	case "UTF-16be":
		order = binary.BigEndian
	}
	var stored []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		stored = order.AppendUint16(stored, unit)
	}
	return stored
}

// realLiteral returns a number with 17 digits, which tell it from all others, though 0.1 becomes 0.10000000000000001
// then: SQLite 3.40 reads some of the shortest forms as a neighbour. It reads no form of very small numbers
// correctly, so these are written as a product, which is exact.
func realLiteral(v float64) string {
	const (
		tiny     = 1e-250
		exponent = 512
		factor   = "7.4583407312002067e-155" // 2^-512
	)
	switch {
	case math.IsInf(v, 1):
		return "9.0e+999"
	case math.IsInf(v, -1):
		return "-9.0e+999"
	case v != 0 && math.Abs(v) < tiny:
		return strconv.FormatFloat(math.Ldexp(v, exponent), 'g', 17, 64) + "*" + factor
	}
	text := strconv.FormatFloat(v, 'g', 17, 64)
	if !strings.ContainsAny(text, ".e") {
		text += ".0"
	}
	return text
}
