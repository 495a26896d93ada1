package pipe

import (
	"io"
	"net"
	"sync"
	"time"
)

// conn makes a [net.Conn] of a reader and a writer. Close ends a Read that is under way even if the reader cannot be
// interrupted, as the standard input of a process cannot. A goroutine reads ahead for that. Deadlines have no effect.
type conn struct {
	out     io.Writer
	close   func() error // ends both directions
	pieces  chan []byte  // from the reader; closed at its end
	free    chan []byte  // buffers to read into
	err     error        // how the reader ended; to be read when pieces is closed
	rest    []byte       // of the piece that Read returns from
	buffer  []byte       // that rest is a part of
	ended   chan struct{}
	closing sync.Once
}

const (
	pieceSize = 256 << 10 // bytes of a piece
	pieces    = 2         // one is filled while the other one is read
)

// newConn starts to read. The caller closes the result.
func newConn(in io.Reader, out io.Writer, close func() error) *conn {
	c := &conn{out: out, close: close, pieces: make(chan []byte), free: make(chan []byte, pieces), ended: make(chan struct{})}
	for range pieces {
		c.free <- make([]byte, pieceSize)
	}
	go c.fill(in)
	return c
}

// fill reads until the end. It may stay in a last read after Close.
func (c *conn) fill(in io.Reader) {
	defer close(c.pieces)
	for {
		var b []byte
		select {
		case b = <-c.free:
		case <-c.ended:
			return
		}
		n, err := in.Read(b[:pieceSize])
		if n > 0 {
			select {
			case c.pieces <- b[:n]:
			case <-c.ended:
				return
			}
		} else {
			c.free <- b
		}
		if c.err = err; err != nil {
			return
		}
	}
}

// Read returns what the reader has brought.
func (c *conn) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		if c.buffer != nil {
			c.free <- c.buffer
			c.buffer = nil
		}
		select {
		case <-c.ended:
			return 0, net.ErrClosed
		case b, ok := <-c.pieces:
			if !ok {
				return 0, c.end()
			}
			c.rest, c.buffer = b, b
		}
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// end returns how the reader ended.
func (c *conn) end() error {
	if c.err == nil { // Close came first
		return net.ErrClosed
	}
	return c.err
}

// Write writes to the writer.
func (c *conn) Write(p []byte) (int, error) {
	select {
	case <-c.ended:
		return 0, net.ErrClosed
	default:
		return c.out.Write(p)
	}
}

// Close ends both directions, once.
func (c *conn) Close() (err error) {
	c.closing.Do(func() {
		close(c.ended)
		err = c.close()
	})
	return err
}

// address is that of both ends.
type address struct{}

func (address) Network() string { return "pipe" }
func (address) String() string  { return "pipe" }

// LocalAddr returns a name for messages.
func (c *conn) LocalAddr() net.Addr { return address{} }

// RemoteAddr returns a name for messages.
func (c *conn) RemoteAddr() net.Addr { return address{} }

// SetDeadline has no effect.
func (c *conn) SetDeadline(time.Time) error { return nil }

// SetReadDeadline has no effect.
func (c *conn) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline has no effect.
func (c *conn) SetWriteDeadline(time.Time) error { return nil }
