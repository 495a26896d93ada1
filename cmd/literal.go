package cmd

import (
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// literal returns a value as SQL that stands for it, on one line and without
// anything that a terminal would obey. More than most characters are cut off, and
// counted; 0 is for no bound.
func literal(v any, most int) string {
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
		return fmt.Sprintf("x'%x...' (%s)", b[:n], plural(len(b), "byte"))
	}
	return fmt.Sprintf("x'%x'", b)
}

func textLiteral(s string, most int) string {
	rest := ""
	if n := utf8.RuneCountInString(s); most > 0 && n > most {
		s, rest = string([]rune(s)[:most])+"...", fmt.Sprintf(" (%s)", plural(n, "character"))
	}
	if !utf8.ValidString(s) {
		return "CAST(x'" + hex.EncodeToString([]byte(s)) + "' AS TEXT)" + rest
	}
	quoted := strings.ReplaceAll(s, "'", "''")
	if printable(s) == s {
		return "'" + quoted + "'" + rest
	}
	return "unistr('" + printable(strings.ReplaceAll(quoted, `\`, `\\`)) + "')" + rest
}

// printable escapes what is not to be seen, as SQLite's unistr reads it.
func printable(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == ' ' || unicode.IsPrint(r):
			b.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	return b.String()
}

// identifier returns the name of a table or column as SQL has it.
func identifier(name string) string {
	plain := name != ""
	for i, r := range name {
		plain = plain && (r == '_' || unicode.IsLetter(r) || i > 0 && unicode.IsDigit(r))
	}
	if plain {
		return name
	}
	return `"` + printable(strings.ReplaceAll(name, `"`, `""`)) + `"`
}
