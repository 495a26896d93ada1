package cmd

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// screen is a stream that people read, on a terminal or in a log. What is written to it
// may hold names, SQL, and answers of servers that are hostile: it goes through a
// [sieve]. What a terminal is to act upon is written by the methods that are no Write.
type screen struct {
	out io.Writer

	mu    sync.Mutex
	sieve sieve
	buf   []byte
}

func newScreen(out io.Writer) *screen { return &screen{out: out} }

// Write implements [io.Writer].
func (s *screen) Write(p []byte) (int, error) {
	if err := s.write("", p, ""); err != nil {
		return 0, err
	}
	return len(p), nil
}

// styled writes a text in a style by its number in ECMA-48, 1 for bold.
func (s *screen) styled(style int, text string) error {
	return s.write(fmt.Sprintf("\x1b[%dm", style), []byte(text), "\x1b[0m")
}

// redraw writes over the line on which the cursor stands.
func (s *screen) redraw(line string) error { return s.write("\r", []byte(line), "\x1b[K") }

// write writes a text between sequences of firn's own, at once, so that nothing of another
// goroutine comes between.
func (s *screen) write(before string, text []byte, after string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buf = append(s.sieve.append(append(s.buf[:0], before...), text), after...)
	_, err := s.out.Write(s.buf)
	return err
}

// noDescriptor is one that nothing has.
const noDescriptor = ^uintptr(0)

// Fd returns the descriptor of the stream, for what asks whether it is a terminal.
func (s *screen) Fd() uintptr {
	if f, ok := s.out.(interface{ Fd() uintptr }); ok {
		return f.Fd()
	}
	return noDescriptor
}

// sieve replaces what would be obeyed by a terminal, or would make a text look like
// another one: control characters but for line feeds and tabs, in one byte or two; those
// that are not to be seen, change the direction of what follows, or break lines; and
// bytes that are not UTF-8, among them the one-byte forms of C1. Each becomes one U+FFFD,
// so that texts keep their widths. The zero sieve is ready for the beginning of a text.
type sieve struct {
	rest []byte // of a character that has not come as a whole
	last rune
}

// append appends more of the text to dst. What may be the beginning of a character is
// kept back until more comes.
func (f *sieve) append(dst, text []byte) []byte {
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
	zeroWidthNonJoiner = '\u200c'
	zeroWidthJoiner    = '\u200d'
)

// harmful reports whether a character of the text must not be shown where it stands.
// Joiners stay where they join something: Persian, Hindi and emoji are written with them.
// After ASCII or another joiner they only make a name look like another.
func (f *sieve) harmful(r rune) bool {
	switch r {
	case '\n', '\t':
		return false
	case zeroWidthJoiner, zeroWidthNonJoiner:
		return f.last <= unicode.MaxLatin1 || unicode.In(f.last, unicode.Latin, unicode.Cf) || f.last == unicode.ReplacementChar
	}
	return unseen(r)
}

// unseen reports whether a character is not to be seen, but acts on what can be.
func unseen(r rune) bool {
	return r >= 0x7f && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) || r < ' '
}

// clean returns a text as a [screen] shows it.
func clean(text string) string {
	if plainASCII(text) {
		return text
	}
	var f sieve
	whole := f.append(nil, []byte(text))
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

// inLine is clean for a text that must stay in its line, and in its column.
func inLine(text string) string {
	return strings.NewReplacer("\n", string(unicode.ReplacementChar), "\t", string(unicode.ReplacementChar)).Replace(clean(text))
}

// escapeJSON escapes in JSON what a [screen] would replace, so that its reader gets it. All
// that is not ASCII stands within strings there, and so does what is no white space.
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

func hiddenInJSON(r rune) bool { return r != '\n' && unseen(r) }
