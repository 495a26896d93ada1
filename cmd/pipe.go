package cmd

import (
	"errors"
	"io"
	"syscall"
)

// errUnread is the error of standard output after its reader has gone: in "firn dump ... | head", head ends when it has read
// enough. The error ends commands that only write, such as dump, and is no failure of them. All other output is lost without
// an error, so that a command still does the rest of its work, and the exit code is about that work.
var errUnread = errors.New("standard output is read no more")

// output is standard output with an error of its own, errUnread, for a reader that has gone. The system's error is the same as
// that of any broken connection.
type output struct{ io.Writer }

// Write implements [io.Writer].
func (o output) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	if errors.Is(err, syscall.EPIPE) {
		err = errUnread
	}
	return n, err
}

// Fd returns the descriptor of the stream, as that of a [screen].
func (o output) Fd() uintptr { return descriptor(o.Writer) }

// pager is a screen for long output. Its Write returns errUnread after the reader has gone.
type pager struct{ *screen }

// Write implements [io.Writer].
func (p pager) Write(text []byte) (int, error) {
	if err := p.write("", text, ""); err != nil {
		return 0, err
	}
	return len(text), nil
}

// withoutUnread removes errUnread from an error. It returns the other errors that were joined with it, or nil.
func withoutUnread(err error) error {
	if !errors.Is(err, errUnread) {
		return err
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return withoutUnread(errors.Unwrap(err))
	}
	var left []error
	for _, e := range joined.Unwrap() {
		left = append(left, withoutUnread(e))
	}
	return errors.Join(left...)
}
