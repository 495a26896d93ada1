package chunk

import (
	"errors"
	"io"
)

// window is the part of a stream that has been read but not yet cut.
// Views into it stay valid until the next call of fill or drop.
type window struct {
	r          io.Reader
	buf        []byte
	start, end int // buf[start:end] is the window
	err        error
	sparse     bool // reads no byte too many
}

// fill makes the first n bytes after the cut position available and returns
// the whole window: shorter than n only at the end of the stream, when w.err
// tells why (io.EOF or the reader's error).
func (w *window) fill(n int) []byte {
	if w.end-w.start < n && w.err == nil {
		w.reserve(n)
		w.read(n)
	}
	return w.buf[w.start:w.end]
}

// reserve makes room for n bytes from the cut position on. A buffer that n bytes
// nearly fill would have to move them at every step.
func (w *window) reserve(n int) {
	if w.start+n <= len(w.buf) {
		return
	}
	if n+n/2 > len(w.buf) {
		grown := make([]byte, 2*n)
		copy(grown, w.buf[w.start:w.end])
		w.buf = grown
	} else {
		copy(w.buf, w.buf[w.start:w.end])
	}
	w.start, w.end = 0, w.end-w.start
}

// read reads until n bytes are in the window, and little more: other goroutines can work on
// these bytes while the rest is read.
func (w *window) read(n int) {
	const (
		patience = 100       // empty reads in a row, as in bufio
		run      = 256 << 10 // fewer bytes at once would be slow
	)
	for empty := 0; w.end-w.start < n && w.err == nil; {
		upTo := w.start + n
		if !w.sparse {
			upTo = min(len(w.buf), max(upTo, w.end+run))
		}
		k, err := w.r.Read(w.buf[w.end:upTo])
		w.end += k
		w.err = err
		if k > 0 {
			empty = 0
		} else if empty++; empty > patience && err == nil {
			w.err = io.ErrNoProgress
		}
	}
}

// skip leaves out the n bytes that stand at bytes after the cut position, if not all
// of them are in the window already; forward moves the reader. The bytes after them move up
// to their place.
func (w *window) skip(at, n int, forward func(int64) error) bool {
	have := w.end - w.start - at
	if have >= n || w.err != nil {
		return false
	}
	w.end -= have
	w.err = forward(int64(n - have))
	return w.err == nil
}

// drop moves the cut position n bytes on.
func (w *window) drop(n int) { w.start += n }

// failure returns the reader's error, nil at a regular end: at io.EOF itself. An
// io.EOF wrapped in more words is a source that ended where it should not.
func (w *window) failure() error {
	if w.err == io.EOF {
		return nil
	}
	return w.err
}

// errFailed tells the chunker that the window has failed. The chunker must not
// see the reader's own error: it reads on after io.ErrUnexpectedEOF, for ever.
var errFailed = errors.New("image cannot be read")

// follower hands the window's bytes to a chunker that reads ahead, without
// moving the cut position.
type follower struct {
	w     *window
	ahead int // bytes after the cut position that the chunker has seen
}

// Read implements io.Reader.
func (f *follower) Read(p []byte) (int, error) {
	view := f.w.fill(f.ahead + len(p))
	if f.ahead >= len(view) {
		if f.w.failure() != nil {
			return 0, errFailed
		}
		return 0, io.EOF
	}
	n := copy(p, view[f.ahead:])
	f.ahead += n
	return n, nil
}
