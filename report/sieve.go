package report

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Sieve replaces characters that a terminal would obey, or that would make a text look like another one. These are control
// characters, in one byte or two, except line feeds and tabs; invisible characters, and characters that change the direction
// of a text or break lines; and bytes that are not UTF-8, among them the one-byte forms of C1. Each becomes one U+FFFD, so a
// text keeps its width. The zero Sieve is ready for the beginning of a text.
type Sieve struct {
	rest []byte // the first bytes of a character whose end has not come yet
	last rune
}

// Append appends the next part of the text to dst and returns it. If the part ends within a character, those bytes are kept
// back until the next call.
func (f *Sieve) Append(dst, text []byte) []byte {
	text = append(f.rest, text...)
	f.rest = nil
	for len(text) > 0 {
		if !utf8.FullRune(text) {
			f.rest = bytes.Clone(text)
			break
		}
		r, n := utf8.DecodeRune(text)
		if r == utf8.RuneError && n == 1 || f.harmful(r) {
			r = unicode.ReplacementChar
		}
		dst = utf8.AppendRune(dst, r)
		f.last = r
		text = text[n:]
	}
	return dst
}

// The joiners are invisible characters. Between letters a joiner chooses another form of them, and between emoji another
// picture.
const (
	ZeroWidthNonJoiner = '\u200c'
	ZeroWidthJoiner    = '\u200d'
)

// harmful reports whether a character must not be shown at its place in the text. Joiners stay where they join something,
// since Persian, Hindi and emoji are written with them. After ASCII or another joiner a joiner only makes a name look like
// another one.
func (f *Sieve) harmful(r rune) bool {
	switch r {
	case '\n', '\t':
		return false
	case ZeroWidthJoiner, ZeroWidthNonJoiner:
		return f.last <= unicode.MaxLatin1 || unicode.In(f.last, unicode.Latin, unicode.Cf) || f.last == unicode.ReplacementChar
	}
	return Unseen(r)
}

// Unseen reports whether a character is invisible but changes how other characters are shown.
func Unseen(r rune) bool {
	return r >= 0x7f && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) || r < ' '
}

// Clean returns a whole text as a [Sieve] lets it through.
func Clean(text string) string {
	if plainASCII(text) {
		return text
	}
	var f Sieve
	whole := f.Append(nil, []byte(text))
	return string(whole) + strings.Repeat(string(unicode.ReplacementChar), len(f.rest))
}

// plainASCII reports whether a text has only visible ASCII characters, line feeds and tabs.
func plainASCII(text string) bool {
	for i := range len(text) {
		if c := text[i]; c >= 0x7f || c < ' ' && c != '\n' && c != '\t' {
			return false
		}
	}
	return true
}
