package inspect

import (
	"encoding/hex"
	"strconv"
	"strings"
)

// Literal reads a word of a person as SQL reads a literal: a number, a blob such as x'00ff', or a text in quotes. Any other word is a
// text as it stands.
func Literal(word string) any {
	if n, err := strconv.ParseInt(word, 10, 64); err == nil {
		return n
	}
	if f, err := strconv.ParseFloat(word, 64); err == nil && strings.Trim(word, "0123456789.eE+-") == "" {
		return f
	}
	inner, quoted := strings.CutSuffix(word, "'")
	if digits, ok := cutPrefixFold(inner, "x'"); ok && quoted {
		if blob, err := hex.DecodeString(digits); err == nil {
			return blob
		}
	}
	if t, ok := strings.CutPrefix(inner, "'"); ok && quoted {
		return strings.ReplaceAll(t, "''", "'")
	}
	return word
}

// cutPrefixFold is [strings.CutPrefix] for upper and lower case.
func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}
