package pull

import (
	"fmt"
	"io"
	"sync"
)

// mostWaiting is how many bytes of pages wait in memory for the store. The other host can go on with its database as soon as
// all pages are here.
const mostWaiting = 64 << 20

// incoming receives pages ahead of their reader.
type incoming struct {
	exchange *exchange
	pageSize int
	done     func() // called when all pages are here

	mu      sync.Mutex
	changed sync.Cond
	pieces  [][]byte
	waiting int    // bytes in pieces
	last    []byte // the content of the last frame; nil before it
	err     error
	closed  bool

	rest []byte // of the first piece, for the reader alone
}

func newIncoming(e *exchange, pageSize int, done func()) *incoming {
	in := &incoming{exchange: e, pageSize: pageSize, done: done}
	in.changed.L = &in.mu
	go in.run()
	return in
}

// run receives frames until the last one.
func (in *incoming) run() {
	for {
		kind, content, err := in.exchange.next()
		if err == nil && kind != Data && kind != End {
			err = unexpected(kind)
		}
		if err == nil && kind == Data && (len(content) == 0 || len(content)%in.pageSize != 0) {
			err = fmt.Errorf("%w: %d bytes of pages", ErrFrame, len(content))
		}
		if !in.put(kind, content, err) {
			return
		}
	}
}

// put gives a frame to the reader. It reports whether more frames are to come.
func (in *incoming) put(kind Kind, content []byte, err error) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	defer in.changed.Broadcast()
	switch {
	case err != nil:
		in.err = err
		in.done()
		return false
	case kind == End:
		in.last = append([]byte{}, content...)
		in.done()
		return false
	}
	in.pieces = append(in.pieces, append([]byte{}, content...))
	in.waiting += len(content)
	for in.waiting > mostWaiting && !in.closed {
		in.changed.Wait()
	}
	return !in.closed
}

// page fills a buffer with the next page.
func (in *incoming) page(page []byte) error {
	if len(in.rest) == 0 {
		piece, err := in.take()
		if err != nil {
			return err
		}
		in.rest = piece
	}
	in.rest = in.rest[copy(page, in.rest):]
	return nil
}

// take waits for the next piece.
func (in *incoming) take() ([]byte, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for len(in.pieces) == 0 && in.last == nil && in.err == nil && !in.closed {
		in.changed.Wait()
	}
	switch {
	case len(in.pieces) > 0:
	case in.err != nil:
		return nil, in.err
	case in.closed:
		return nil, errClosed
	default:
		return nil, fmt.Errorf("%w: fewer pages than were asked for: %w", ErrFrame, io.ErrUnexpectedEOF)
	}
	piece := in.pieces[0]
	in.pieces[0] = nil
	in.pieces = in.pieces[1:]
	in.waiting -= len(piece)
	in.changed.Broadcast()
	return piece, nil
}

// end waits for the last frame and returns its content, once. Pages that nobody has asked for are an error.
func (in *incoming) end() ([]byte, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for in.last == nil && in.err == nil && len(in.pieces) == 0 && !in.closed {
		in.changed.Wait()
	}
	switch {
	case len(in.pieces) > 0 || len(in.rest) > 0:
		return nil, fmt.Errorf("%w: more pages than were asked for", ErrFrame)
	case in.err != nil:
		return nil, in.err
	case in.closed:
		return nil, errClosed
	}
	return in.last, nil
}

// close ends the waiting.
func (in *incoming) close() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.closed, in.pieces = true, nil
	in.changed.Broadcast()
}
