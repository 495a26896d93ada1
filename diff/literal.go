package diff

import (
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"firn/btree"
	"firn/report"
)

// Literal returns a value as an SQL expression, on one line and without characters that a terminal would obey. A value of more
// than most characters is cut off and followed by its length; with 0 no value is cut off.
func Literal(v any, most int) string {
	switch v := v.(type) {
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return realLiteral(v)
	case string:
		return textLiteral(v, most)
	case []byte:
		return blobLiteral(v, most)
	case btree.Malformed:
		blob, rest, _ := strings.Cut(blobLiteral([]byte(v), most), " ")
		return strings.TrimSpace("CAST(" + blob + " AS TEXT) " + rest)
	}
	return "NULL"
}

// realLiteral returns a number as SQL that SQLite reads as a real number.
func realLiteral(v float64) string {
	if math.IsInf(v, 0) {
		return strconv.FormatFloat(math.Copysign(9, v), 'f', 0, 64) + "e999"
	}
	text := strconv.FormatFloat(v, 'g', -1, 64)
	if !strings.ContainsAny(text, ".e") {
		text += ".0" // else it would be an integer
	}
	return text
}

// blobLiteral returns a blob in hexadecimal.
func blobLiteral(b []byte, most int) string {
	if n := most / 2; most > 0 && len(b) > n {
		return fmt.Sprintf("x'%x...' (%s)", b[:n], report.Plural(len(b), "byte"))
	}
	return fmt.Sprintf("x'%x'", b)
}

// textLiteral returns a text as SQL. A text with wrong bytes or with many invisible characters is cast from a blob.
func textLiteral(s string, most int) string {
	rest := ""
	if n := utf8.RuneCountInString(s); most > 0 && n > most {
		s, rest = firstRunes(s, most)+"...", fmt.Sprintf(" (%s)", report.Plural(n, "character"))
	}
	if parts := textParts(s); utf8.ValidString(s) && len(parts) <= maxParts {
		return strings.Join(parts, "||") + rest
	}
	return "CAST(x'" + hex.EncodeToString([]byte(s)) + "' AS TEXT)" + rest
}

// firstRunes returns the first characters of a text. A wrong byte counts as a character, and stays what it is.
func firstRunes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// maxParts is the largest number of parts of which a text is composed. SQLite allows 1000.
const maxParts = 500

// textParts returns SQL for the parts of a text. Each invisible character becomes a call of char, which all versions of SQLite
// know; unistr exists only since 3.50.
func textParts(s string) (parts []string) {
	add := func(text string) {
		if text != "" || s == "" {
			parts = append(parts, "'"+strings.ReplaceAll(text, "'", "''")+"'")
		}
	}
	start := 0
	for i, r := range s {
		if hidden(r) {
			add(s[start:i])
			parts = append(parts, fmt.Sprintf("char(%d)", r))
			start = i + utf8.RuneLen(r)
		}
	}
	add(s[start:])
	return parts
}

// hidden reports whether a character is invisible or is obeyed by a terminal.
func hidden(r rune) bool { return r != ' ' && !unicode.IsPrint(r) }

// Printable returns a text with invisible characters escaped.
func Printable(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case !hidden(r):
			b.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	return b.String()
}

// Identifier returns the name of a table or a column as an identifier of SQL, in quotes if it needs them.
func Identifier(name string) string {
	plain := name != ""
	for i, r := range name {
		plain = plain && (r == '_' || unicode.IsLetter(r) || i > 0 && unicode.IsDigit(r))
	}
	if plain {
		return name
	}
	return `"` + Printable(strings.ReplaceAll(name, `"`, `""`)) + `"`
}
