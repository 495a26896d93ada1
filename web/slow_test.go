package web_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"firn/access"
	"firn/internal/sessiontest"
	"firn/web"
)

// pipes is a listener whose connections are pipes: with them, the time of a test passes as soon as all wait for it.
type pipes struct {
	made  chan net.Conn
	ended chan struct{}
}

func newPipes() *pipes { return &pipes{make(chan net.Conn), make(chan struct{})} }

// dial returns the client's end of a connection.
func (p *pipes) dial() net.Conn {
	client, server := net.Pipe()
	p.made <- server
	return client
}

// Accept returns the server's end of a connection.
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.made:
		return c, nil
	case <-p.ended:
		return nil, net.ErrClosed
	}
}

// Close ends the listener.
func (p *pipes) Close() error {
	select {
	case <-p.ended:
	default:
		close(p.ended)
	}
	return nil
}

// Addr returns a local address.
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

// inPipes calls a function with a server whose clients are at the other ends of pipes, in a time of the test's own.
func inPipes(t *testing.T, f *sessiontest.Fixture, test func(t *testing.T, l *pipes, token string)) {
	t.Helper()
	tokens, err := access.Open(f.Path("serve"), f.Now)
	if err != nil {
		t.Fatal(err)
	}
	log, err := access.OpenLog(f.Path("serve"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	token, err := tokens.Add(t.Context(), access.Grant{Name: "a", Scopes: []access.Scope{access.Admin}, Environment: "*"})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		v, err := web.New(f.Session, web.Options{Tokens: tokens, Log: log})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		l, ended := newPipes(), make(chan error, 1)
		go func() { ended <- v.Serve(ctx, l) }()
		test(t, l, token.Reveal())
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// drip writes a byte a second until the server closes the connection, and returns for how long it has listened.
func drip(c net.Conn) time.Duration {
	began := time.Now()
	for _, err := io.WriteString(c, "x"); err == nil; _, err = io.WriteString(c, "x") {
		<-time.After(time.Second)
	}
	return time.Since(began)
}

// TestClientsOfAByteASecond sends and takes a byte a second: a client that is so slow is left after the time that an idle one has.
func TestClientsOfAByteASecond(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	f.Exec(t, "INSERT INTO t VALUES (randomblob(500000))")
	f.BackUp(t, 1, time.Minute)
	inPipes(t, f, func(t *testing.T, l *pipes, token string) {
		head := "Host: localhost\r\nAuthorization: Bearer " + token + "\r\n"
		c := l.dial()
		fmt.Fprint(c, "GET / HTTP/1.1\r\n"+head+"X-Filler: ")
		if got := drip(c); got < 9*time.Second || got > 11*time.Second {
			t.Errorf("headers: the server has listened for %v, want 10s", got)
		}
		c = l.dial()
		fmt.Fprint(c, "POST /api/v1/snapshots/latest:app/query HTTP/1.1\r\n"+head+"Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n{\"sql\":\"")
		answered := make(chan string)
		go func() {
			text, _ := io.ReadAll(c)
			answered <- string(text)
		}()
		if got := drip(c); got < 59*time.Second || got > 62*time.Second {
			t.Errorf("body: the server has listened for %v, want 60s", got)
		}
		if got := <-answered; strings.Contains(got, " 200 ") {
			t.Errorf("body: got %s", got)
		}
		c = l.dial()
		fmt.Fprint(c, "GET /api/v1/snapshots/latest:app/file HTTP/1.1\r\n"+head+"\r\n")
		began, taken := time.Now(), 0
		var err error
		for b := make([]byte, 1); err == nil; taken++ {
			_, err = c.Read(b)
			<-time.After(time.Second)
		}
		if got := time.Since(began); got < 59*time.Second || got > 5*time.Minute || errors.Is(err, context.Canceled) {
			t.Errorf("answer: %d bytes were sent in %v, %v, want 60s for each 64 KiB", taken, got, err)
		}
		c = l.dial()
		fmt.Fprint(c, "GET /api/v1/snapshots/latest:app/file HTTP/1.1\r\nConnection: close\r\n"+head+"\r\n")
		answer, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, answer.Body); err != nil || answer.StatusCode != http.StatusOK || n < 500_000 {
			t.Errorf("the turn is not free again: got %d, %d bytes, %v", answer.StatusCode, n, err)
		}
	})
}
