package answer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"firn/report"
)

// Encode returns a value in JSON, on one line.
func Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return escapeJSON(b.Bytes()), err
}

// escapeJSON escapes characters of JSON that a terminal must not get, so that the reader gets them. All these characters are
// within strings, where JSON allows escapes.
func escapeJSON(text []byte) []byte {
	if bytes.IndexFunc(text, hiddenInJSON) < 0 {
		return text
	}
	var escaped []byte
	for _, r := range string(text) {
		switch a, b := utf16.EncodeRune(r); {
		case !hiddenInJSON(r):
			escaped = utf8.AppendRune(escaped, r)
		case a == unicode.ReplacementChar:
			escaped = fmt.Appendf(escaped, `\u%04x`, r)
		default:
			escaped = fmt.Appendf(escaped, `\u%04x\u%04x`, a, b)
		}
	}
	return escaped
}

// hiddenInJSON reports whether a character of JSON is escaped.
func hiddenInJSON(r rune) bool { return r != '\n' && report.Unseen(r) }
