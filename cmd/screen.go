package cmd

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"firn/internal/layout"
	"firn/report"
)

// screen is a stream that people read, on a terminal or in a log. What is written to it
// may hold names, SQL, and answers of servers that are hostile: it goes through a
// [report.Sieve]. What a terminal is to act upon is written by the methods that are no Write.
type screen struct {
	out io.Writer

	mu    sync.Mutex
	sieve report.Sieve
	buf   []byte
}

func newScreen(out io.Writer) *screen { return &screen{out: out} }

// Write implements [io.Writer]. What is read no more is lost.
func (s *screen) Write(p []byte) (int, error) {
	if err := s.write("", p, ""); err != nil && err != errUnread {
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
	s.buf = append(s.sieve.Append(append(s.buf[:0], before...), text), after...)
	_, err := s.out.Write(s.buf)
	return err
}

// noDescriptor is one that nothing has.
const noDescriptor = ^uintptr(0)

// Fd returns the descriptor of the stream, for what asks whether it is a terminal.
func (s *screen) Fd() uintptr { return descriptor(s.out) }

// descriptor returns the descriptor of a stream that has one.
func descriptor(stream io.Writer) uintptr {
	if f, ok := stream.(interface{ Fd() uintptr }); ok {
		return f.Fd()
	}
	return noDescriptor
}

// inLine is clean for a text that must stay in its line, and in its column.
func inLine(text string) string { return layout.InLine(text) }

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

func hiddenInJSON(r rune) bool { return r != '\n' && report.Unseen(r) }
