package diff

import (
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"firn/report"
)

// Literal returns a value as SQL that stands for it, on one line and without
// anything that a terminal would obey. More than most characters are cut off, and
// counted; 0 is for no bound.
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
	}
	return "NULL"
}

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

func blobLiteral(b []byte, most int) string {
	if n := most / 2; most > 0 && len(b) > n {
		return fmt.Sprintf("x'%x...' (%s)", b[:n], report.Plural(len(b), "byte"))
	}
	return fmt.Sprintf("x'%x'", b)
}

func textLiteral(s string, most int) string {
	rest := ""
	if n := utf8.RuneCountInString(s); most > 0 && n > most {
		s, rest = string([]rune(s)[:most])+"...", fmt.Sprintf(" (%s)", report.Plural(n, "character"))
	}
	if parts := textParts(s); utf8.ValidString(s) && len(parts) <= maxParts {
		return strings.Join(parts, "||") + rest
	}
	return "CAST(x'" + hex.EncodeToString([]byte(s)) + "' AS TEXT)" + rest
}

// maxParts is how many parts of a text are put together; SQLite takes 1000 at most.
const maxParts = 500

// textParts returns SQL for the parts of a text. What is not to be seen is a call of
// char, which every SQLite knows; unistr has come with 3.50.
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

// hidden reports whether a character is not to be seen, or obeyed by a terminal.
func hidden(r rune) bool { return r != ' ' && !unicode.IsPrint(r) }

// Printable escapes what is not to be seen.
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

// Identifier returns the name of a table or column as SQL has it.
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
