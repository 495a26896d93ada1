package cmd

import (
	"fmt"
	"io"
	"sync"

	"firn/internal/layout"
	"firn/report"
)

// screen is a stream that people read, on a terminal or in a log. A text may have hostile names, SQL or answers of servers, so
// Write passes it through a [report.Sieve]. Sequences that a terminal shall obey are written by other methods.
type screen struct {
	out io.Writer

	mu    sync.Mutex
	sieve report.Sieve
	buf   []byte
}

// newScreen returns a screen that writes to a stream.
func newScreen(out io.Writer) *screen { return &screen{out: out} }

// Write implements [io.Writer]. Output whose reader has gone is lost without an error.
func (s *screen) Write(p []byte) (int, error) {
	if err := s.write("", p, ""); err != nil && err != errUnread {
		return 0, err
	}
	return len(p), nil
}

// styled writes a text in a style. The style is a number of ECMA-48, such as 1 for bold.
func (s *screen) styled(style int, text string) error {
	return s.write(fmt.Sprintf("\x1b[%dm", style), []byte(text), "\x1b[0m")
}

// redraw replaces the line of the cursor.
func (s *screen) redraw(line string) error { return s.write("\r", []byte(line), "\x1b[K") }

// write writes a text between sequences of firn's own, in one call, so that no output of another goroutine gets between them.
func (s *screen) write(before string, text []byte, after string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buf = append(s.sieve.Append(append(s.buf[:0], before...), text), after...)
	_, err := s.out.Write(s.buf)
	return err
}

// noDescriptor is a descriptor that no file has.
const noDescriptor = ^uintptr(0)

// Fd returns the descriptor of the stream, for the question whether the stream is a terminal.
func (s *screen) Fd() uintptr { return descriptor(s.out) }

// descriptor returns the descriptor of a stream that has one.
func descriptor(stream io.Writer) uintptr {
	if f, ok := stream.(interface{ Fd() uintptr }); ok {
		return f.Fd()
	}
	return noDescriptor
}

// inLine returns a text without characters that would leave its line or its column.
func inLine(text string) string { return layout.InLine(text) }
