package report

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Sieve replaces what would be obeyed by a terminal, or would make a text look like
// another one: control characters but for line feeds and tabs, in one byte or two; those
// that are not to be seen, change the direction of what follows, or break lines; and
// bytes that are not UTF-8, among them the one-byte forms of C1. Each becomes one U+FFFD,
// so that texts keep their widths. The zero sieve is ready for the beginning of a text.
type Sieve struct {
	rest []byte // of a character that has not come as a whole
	last rune
}

// Append appends more of the text to dst. What may be the beginning of a character is
// kept back until more comes.
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

// The joiners: between letters they choose another form of these, and between emoji
// another picture.
const (
	ZeroWidthNonJoiner = '\u200c'
	ZeroWidthJoiner    = '\u200d'
)

// harmful reports whether a character of the text must not be shown where it stands.
// Joiners stay where they join something: Persian, Hindi and emoji are written with them.
// After ASCII or another joiner they only make a name look like another.
func (f *Sieve) harmful(r rune) bool {
	switch r {
	case '\n', '\t':
		return false
	case ZeroWidthJoiner, ZeroWidthNonJoiner:
		return f.last <= unicode.MaxLatin1 || unicode.In(f.last, unicode.Latin, unicode.Cf) || f.last == unicode.ReplacementChar
	}
	return Unseen(r)
}

// Unseen reports whether a character is not to be seen, but acts on what can be.
func Unseen(r rune) bool {
	return r >= 0x7f && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) || r < ' '
}

// Clean returns a text as a [cmd.screen] shows it.
func Clean(text string) string {
	if plainASCII(text) {
		return text
	}
	var f Sieve
	whole := f.Append(nil, []byte(text))
	return string(whole) + strings.Repeat(string(unicode.ReplacementChar), len(f.rest))
}

func plainASCII(text string) bool {
	for i := range len(text) {
		if c := text[i]; c >= 0x7f || c < ' ' && c != '\n' && c != '\t' {
			return false
		}
	}
	return true
}
