package pipe

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Client sends requests over one connection. Make one with [Dial]. All methods may be called by many goroutines at once.
type Client struct {
	conn *checked
	http *http.ClientConn
}

// Dial begins HTTP/2 on a connection to [Serve]. It waits for nothing: an error of the connection, or a greeting other than the
// wanted one, is the error of every request. The caller closes the client, and the client closes conn.
func Dial(conn io.ReadWriteCloser, want Greeting) (*Client, error) {
	c := &checked{conn: newConn(conn, conn, conn.Close), want: want, done: make(chan struct{})}
	c.reader = bufio.NewReaderSize(c.conn, mostGreeting)
	transport := &http.Transport{
		Protocols:              clearHTTP2(),
		DialContext:            func(context.Context, string, string) (net.Conn, error) { return c, nil },
		DisableCompression:     true,
		MaxResponseHeaderBytes: mostHeaders,
		HTTP2: &http.HTTP2Config{
			MaxReadFrameSize:              frameSize,
			MaxReceiveBufferPerConnection: window,
			MaxReceiveBufferPerStream:     window,
		},
	}
	client, err := transport.NewClientConn(context.Background(), "http", Host+":80")
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return &Client{conn: c, http: client}, nil
}

// Host is the host of the URLs of requests. The server does not look at it.
const Host = "firn"

// Do sends a request and returns the answer, whose body the caller closes. Answers may begin before the request's body has
// ended. There are no redirects. A connection that ends lets all requests and the bodies of their answers fail; Err then has
// the reason, and Do's error matches it.
func (c *Client) Do(r *http.Request) (*http.Response, error) {
	answer, err := c.http.RoundTrip(r)
	if err == nil {
		return answer, nil
	}
	if reason := c.Err(); reason != nil {
		return nil, reason
	}
	return nil, err
}

// Done is closed when the connection has ended.
func (c *Client) Done() <-chan struct{} { return c.conn.done }

// Err returns why the connection has ended, nil while it has not. The error matches [net.ErrClosed] after Close, [ErrProtocol],
// [ErrService] or [firn/ssh.ErrChatter] after a wrong greeting, and else that of the connection, [io.ErrUnexpectedEOF] for its end.
func (c *Client) Err() error {
	select {
	case <-c.conn.done:
		return c.conn.failure
	default:
		if err := c.http.Err(); err != nil {
			return fmt.Errorf("the connection has ended: %w", err)
		}
		return nil
	}
}

// Close ends the connection. Requests under way fail.
func (c *Client) Close() error {
	c.conn.fail(net.ErrClosed)
	return errors.Join(c.http.Close(), c.conn.Close())
}

// checked is a connection that begins with the server's greeting.
type checked struct {
	*conn
	want    Greeting
	reader  *bufio.Reader // of the connection's beginning
	greeted atomic.Bool

	unwritten sync.Once // a write has failed

	failing sync.Once
	failure error // to be read when done is closed
	done    chan struct{}
}

// Read returns the bytes after the greeting.
func (c *checked) Read(p []byte) (int, error) {
	if !c.greeted.Load() {
		if err := readGreeting(c.reader, c.want); err != nil {
			return 0, c.fail(err)
		}
		c.greeted.Store(true)
	}
	var n int
	var err error
	if c.reader.Buffered() > 0 {
		n, err = c.reader.Read(p)
	} else {
		n, err = c.conn.Read(p)
	}
	if err != nil {
		err = c.fail(err)
	}
	return n, err
}

// Write writes to the connection. It hides an error: the reading side may get the reason in the next moment, such as the end
// of the program or its last words. If it does not, the error of writing ends the connection.
func (c *checked) Write(p []byte) (int, error) {
	n, err := c.conn.Write(p)
	if err == nil || errors.Is(err, net.ErrClosed) {
		return n, err
	}
	c.unwritten.Do(func() {
		time.AfterFunc(lastWords, func() {
			_ = c.fail(err)
			_ = c.Close() // it has failed before
		})
	})
	return len(p), nil
}

// lastWords is how long the reading side is awaited after an error of the writing side.
const lastWords = 2 * time.Second

// fail keeps the first error, and returns it.
func (c *checked) fail(err error) error {
	c.failing.Do(func() {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		c.failure = err
		close(c.done)
	})
	return c.failure
}
