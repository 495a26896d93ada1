package layout

import (
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
)

// blobShown is the number of bytes of a blob that a table shows.
const blobShown = 8

// null is the text by which a table shows NULL.
const null = "NULL"

// Cell returns a value of a database as a table shows it. It quotes a text with other characters than visible ones, since the database may
// have texts that attack terminals.
func Cell(value any) string {
	switch v := value.(type) {
	case nil:
		return null
	case []byte:
		if len(v) > blobShown {
			return fmt.Sprintf("x'%x..., %d bytes", v[:blobShown], len(v))
		}
		return fmt.Sprintf("x'%x'", v)
	case string:
		if v == null || strings.HasPrefix(v, "x'") || strings.HasPrefix(v, `"`) || strings.ContainsFunc(v, notPlain) {
			return strconv.Quote(v)
		}
		return v
	}
	return PlainText(value)
}

// notPlain reports whether a character is invisible, or stands for bytes that are not UTF-8.
func notPlain(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }

// PlainText returns a value of a database as text; NULL is empty.
func PlainText(value any) string {
	switch v := value.(type) {
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return RealText(v)
	case []byte:
		return hex.EncodeToString(v)
	case string:
		return v
	}
	return ""
}

// RealText returns the shortest text that SQLite reads as this number and as a real number, not an integer.
func RealText(f float64) string {
	abs := math.Abs(f)
	switch {
	case math.IsInf(f, 0):
		return strings.TrimPrefix(strconv.FormatFloat(f, 'g', -1, 64), "+")
	case abs != 0 && (abs < 1e-4 || abs >= 1e15):
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	text := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}
