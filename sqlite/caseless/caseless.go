// Package caseless compares the names of tables, columns and other objects as SQLite does: letters A to Z are equal in upper and
// lower case, and all other characters differ.
package caseless

import "strings"

// Fold returns a name with the letters A to Z in lower case: names are the same for SQLite if they fold to the same text. Bytes that
// are no UTF-8 stay as they are.
func Fold(name string) string {
	if strings.IndexFunc(name, isUpper) < 0 {
		return name
	}
	b := []byte(name)
	for i, c := range b {
		if isUpper(rune(c)) {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

func isUpper(r rune) bool { return 'A' <= r && r <= 'Z' }

// Same reports whether two names are the same for SQLite.
func Same(a, b string) bool { return Fold(a) == Fold(b) }
