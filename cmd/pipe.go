package cmd

import (
	"errors"
	"io"
	"syscall"
)

// errUnread is the error of standard output after its reader has gone: "firn dump ... | head" has
// all that it wants. It ends what only writes, such as a dump, and is no failure of a command.
// All other output is lost without an error, so that a command does the rest of its work, and
// its exit code is about that.
var errUnread = errors.New("standard output is read no more")

// output is standard output. It tells a reader that has gone from a connection that broke
// elsewhere, which is the same error of the system.
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

// pager is a screen for long output, which ends when it is read no more.
type pager struct{ *screen }

// Write implements [io.Writer].
func (p pager) Write(text []byte) (int, error) {
	if err := p.write("", text, ""); err != nil {
		return 0, err
	}
	return len(text), nil
}

// withoutUnread returns what is left of an error without errUnread: the other errors of several
// that were joined, or nil.
func withoutUnread(err error) error {
	if !errors.Is(err, errUnread) {
		return err
	}
	several, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return withoutUnread(errors.Unwrap(err))
	}
	var left []error
	for _, e := range several.Unwrap() {
		left = append(left, withoutUnread(e))
	}
	return errors.Join(left...)
}
