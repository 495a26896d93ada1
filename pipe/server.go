// Package pipe speaks HTTP/2 over one pair of pipes, such as the standard input and output of a program that ssh has
// started. The server greets with one line, which says which service and version follows. The client does not wait for the
// greeting, so a connection costs no round trip of its own.
package pipe

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// These bounds hold for each connection. The windows are as large as [http.HTTP2Config] allows: a stream then fills a line
// of 300 Mbit/s with a round trip of 100 ms.
const (
	window      = 4<<20 - 1
	frameSize   = 1 << 20
	mostStreams = 64
	mostHeaders = 16 << 10 // bytes
	idleTime    = time.Hour
)

// errDone is returned when the input has ended.
var errDone = errors.New("pipe: the connection has ended")

// Serve greets, and answers the requests of one client with a handler until the input ends, the context is cancelled, or no
// request comes for an hour. Then the contexts of requests under way are cancelled, and Serve returns when their handlers
// have returned. Both pipes must hold some bytes, as those of the system do. Serve closes out, and in if that is an [io.Closer]. The error is nil if the client went away.
func Serve(ctx context.Context, in io.Reader, out io.WriteCloser, g Greeting, handler http.Handler) error {
	c := newConn(in, out, func() error { return errors.Join(out.Close(), closeReader(in)) })
	defer c.Close()
	if err := writeGreeting(out, g); err != nil {
		return err
	}
	counted := &counting{handler: handler}
	server := &http.Server{
		Handler:        counted,
		Protocols:      clearHTTP2(),
		MaxHeaderBytes: mostHeaders,
		IdleTimeout:    idleTime,
		ErrorLog:       log.New(io.Discard, "", 0), // a library does not log
		// The connection ends first, and then the contexts of requests: a handler that ends early must not seem to be done.
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          mostStreams,
			MaxReadFrameSize:              frameSize,
			MaxReceiveBufferPerConnection: window,
			MaxReceiveBufferPerStream:     window,
		},
	}
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	err := server.Serve(&single{conn: c})
	counted.wait()
	if errors.Is(err, errDone) {
		err = context.Cause(ctx)
	}
	return err
}

// closeReader closes a reader that can be closed.
func closeReader(in io.Reader) error {
	if closer, ok := in.(io.Closer); ok {
		return closer.Close()
	}
	return nil
}

// clearHTTP2 returns HTTP/2 in the clear alone.
func clearHTTP2() *http.Protocols {
	var p http.Protocols
	p.SetUnencryptedHTTP2(true)
	return &p
}

// single is a listener with one connection.
type single struct {
	conn *conn
	mu   sync.Mutex
	used bool
}

// Accept returns the connection. The second call waits for its end.
func (s *single) Accept() (net.Conn, error) {
	s.mu.Lock()
	used := s.used
	s.used = true
	s.mu.Unlock()
	if !used {
		return s.conn, nil
	}
	<-s.conn.ended
	return nil, errDone
}

// Close ends the connection.
func (s *single) Close() error { return s.conn.Close() }

// Addr returns a name for messages.
func (s *single) Addr() net.Addr { return address{} }

// counting counts the requests under way.
type counting struct {
	handler http.Handler
	mu      sync.Mutex
	done    bool
	group   sync.WaitGroup
}

// ServeHTTP calls the handler. A request that comes after the end is dropped.
func (c *counting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	done := c.done
	if !done {
		c.group.Add(1)
	}
	c.mu.Unlock()
	if done {
		return
	}
	defer c.group.Done()
	c.handler.ServeHTTP(w, r)
}

// wait returns when no request is under way. No request begins afterwards.
func (c *counting) wait() {
	c.mu.Lock()
	c.done = true
	c.mu.Unlock()
	c.group.Wait()
}
