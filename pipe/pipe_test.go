package pipe_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"firn/pipe"
	"firn/ssh"
)

var greeting = pipe.Greeting{Service: "test", Protocol: 2, Firn: "1.2.3"}

// both is the client's end of two pipes.
type both struct {
	io.Reader
	io.WriteCloser
	reader io.Closer
}

func (b both) Close() error { return errors.Join(b.WriteCloser.Close(), b.reader.Close()) }

// pair returns the ends of two pipes: what is written to one end is read from the other. They are pipes of the system, which
// hold some bytes.
func pair(t testing.TB) (client both, in, out *os.File) {
	in, toServer, err := os.Pipe()
	fromServer, out, err2 := os.Pipe()
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); out.Close(); toServer.Close(); fromServer.Close() })
	return both{fromServer, toServer, fromServer}, in, out
}

// served is a server under test.
type served struct {
	client *pipe.Client
	ended  chan error // gets the result of Serve
	cancel context.CancelFunc
}

// serve starts a server and its client. Both end with the test.
func serve(t testing.TB, g pipe.Greeting, handler http.HandlerFunc) *served {
	t.Helper()
	conn, in, out := pair(t)
	ctx, cancel := context.WithCancel(t.Context())
	s := &served{ended: make(chan error, 1), cancel: cancel}
	go func() { s.ended <- pipe.Serve(ctx, in, out, g, handler) }()
	client, err := pipe.Dial(conn, greeting)
	if err != nil {
		t.Fatal(err)
	}
	s.client = client
	t.Cleanup(func() { client.Close(); cancel() })
	return s
}

// request makes a request.
func request(t testing.TB, path string, body io.Reader) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+pipe.Host+path, body)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// echo answers with the body, piece by piece.
func echo(w http.ResponseWriter, r *http.Request) {
	b := make([]byte, 100)
	flush := http.NewResponseController(w)
	_ = flush.Flush()
	for {
		n, err := r.Body.Read(b)
		_, _ = w.Write(b[:n])
		_ = flush.Flush()
		if err != nil {
			return
		}
	}
}

// TestBothWays has a request whose answer goes on while its body does.
func TestBothWays(t *testing.T) {
	t.Parallel()
	s := serve(t, greeting, echo)
	body, toServer := io.Pipe()
	answer, err := s.client.Do(request(t, "/", body))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	for range 3 {
		if _, err := io.WriteString(toServer, "hello"); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 5)
		if _, err := io.ReadFull(answer.Body, b); err != nil || string(b) != "hello" {
			t.Fatalf("got %q, %v", b, err)
		}
	}
	toServer.Close()
	if rest, err := io.ReadAll(answer.Body); err != nil || len(rest) != 0 {
		t.Errorf("got %q, %v, want the end", rest, err)
	}
	if err := s.client.Close(); err != nil {
		t.Error(err)
	}
	if err := <-s.ended; err != nil {
		t.Errorf("the server ends with %v, want nil after the client has gone", err)
	}
	if _, err := s.client.Do(request(t, "/", nil)); err == nil {
		t.Error("a request after Close succeeds")
	}
}

// TestEndOfServer ends the server during a request. The request and its answer's body fail at once, and so do later ones.
func TestEndOfServer(t *testing.T) {
	t.Parallel()
	cancelled := make(chan struct{})
	s := serve(t, greeting, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		close(cancelled)
	})
	answer, err := s.client.Do(request(t, "/", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	s.cancel()
	if err := <-s.ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Serve: got %v, want %v", err, context.Canceled)
	}
	<-cancelled
	if _, err := io.ReadAll(answer.Body); err == nil {
		t.Error("the answer ends without an error")
	}
	<-s.client.Done()
	if _, err := s.client.Do(request(t, "/", nil)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v, want %v", err, io.ErrUnexpectedEOF)
	}
}

// TestEndOfClient ends the client during a request, whose context on the server is then cancelled.
func TestEndOfClient(t *testing.T) {
	t.Parallel()
	s := serve(t, greeting, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	answer, err := s.client.Do(request(t, "/", nil))
	if err != nil {
		t.Fatal(err)
	}
	s.client.Close()
	if err := <-s.ended; err != nil {
		t.Error(err)
	}
	if _, err := io.ReadAll(answer.Body); err == nil {
		t.Error("the answer ends without an error")
	}
}

// endless is an input that blocks without an end, as a terminal does.
type endless struct{}

func (endless) Read([]byte) (int, error) { select {} }

// TestStuckInput ends a server whose input cannot be interrupted.
func TestStuckInput(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := pipe.Serve(ctx, endless{}, discard{}, greeting, http.NotFoundHandler()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) Close() error                { return nil }

// TestGreetings meets other services and versions.
func TestGreetings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		greeting pipe.Greeting
		want     error
		words    string
	}{
		{pipe.Greeting{Service: "other", Protocol: 2, Firn: "1"}, pipe.ErrService, `"other"`},
		{pipe.Greeting{Service: "test", Protocol: 1, Firn: "0.9.0 (old)"}, pipe.ErrProtocol, "the other host has 0.9.0-(old), this one has 1.2.3: update firn on the other host"},
		{pipe.Greeting{Service: "test", Protocol: 3}, pipe.ErrProtocol, "the other host has unknown, this one has 1.2.3: update firn on this host"},
	} {
		s := serve(t, tt.greeting, echo)
		for range 2 {
			if _, err := s.client.Do(request(t, "/", nil)); !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.words) {
				t.Errorf("%s: got %v, want %v with %q", tt.greeting, err, tt.want, tt.words)
			}
		}
	}
}

// TestChatter meets programs that are not firn.
func TestChatter(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		"Welcome to db1!\nfirn test 2 1\n": `"Welcome to db1!"`,
		"no line break":                    `"no line break"`,
		"\n":                               `""`,
		"firn test 2\n":                    `"firn test 2"`,
		"firn test -2 x\n":                 `"firn test -2 x"`,
		strings.Repeat("x", 1<<20):         `"xxxxxx`,
		"\x00\xff\x1b[2J\n":                `"\x00\xff\x1b[2J"`,
	} {
		conn, in, out := pair(t)
		go func() { _, _ = io.Copy(io.Discard, in) }()
		go func() { _, _ = io.WriteString(out, said); out.Close() }()
		client, err := pipe.Dial(conn, greeting)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = client.Do(request(t, "/", nil)); !errors.Is(err, ssh.ErrChatter) || !strings.Contains(err.Error(), want) || len(err.Error()) > 1000 {
			t.Errorf("got %v, want %v with %s", err, ssh.ErrChatter, want)
		}
		client.Close()
	}
}

// TestCutGreeting has a connection that breaks off within the greeting. That is no chatter.
func TestCutGreeting(t *testing.T) {
	t.Parallel()
	whole := greeting.String()
	for n := range len(whole) {
		conn := both{strings.NewReader(whole[:n]), discard{}, discard{}}
		client, err := pipe.Dial(conn, greeting)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = client.Do(request(t, "/", nil)); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%q: got %v, want %v", whole[:n], err, io.ErrUnexpectedEOF)
		}
		client.Close()
	}
}

// unwritable is a program that has ended: it reads nothing more. Its last words may still be read.
type unwritable struct{ io.Reader }

func (unwritable) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
func (unwritable) Close() error              { return nil }

// TestUnwritable has a program that ends before it reads anything. The reason is what it has said, or its end.
func TestUnwritable(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]error{"not available\n": ssh.ErrChatter, "": io.ErrUnexpectedEOF} {
		client, err := pipe.Dial(unwritable{strings.NewReader(said)}, greeting)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = client.Do(request(t, "/", nil)); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
		client.Close()
	}
	client, err := pipe.Dial(unwritable{endless{}}, greeting)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = client.Do(request(t, "/", nil)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v, want %v", err, io.ErrClosedPipe)
	}
}

// TestBounds sends headers without end.
func TestBounds(t *testing.T) {
	t.Parallel()
	s := serve(t, greeting, echo)
	r := request(t, "/", nil)
	r.Header.Set("X", strings.Repeat("x", 1<<20))
	if answer, err := s.client.Do(r); err == nil && answer.StatusCode < 400 {
		t.Errorf("got %s for headers of a megabyte", answer.Status)
	}
}

// FuzzServe feeds a server with anything. It must end with its input.
func FuzzServe(f *testing.F) {
	f.Add([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
	f.Add([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"))
	f.Add([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
	f.Fuzz(func(t *testing.T, input []byte) {
		if err := pipe.Serve(t.Context(), strings.NewReader(string(input)), discard{}, greeting, http.HandlerFunc(echo)); err != nil {
			t.Error(err)
		}
	})
}

// FuzzDial feeds a client with anything. Its request must end.
func FuzzDial(f *testing.F) {
	f.Add([]byte("firn test 2 1\n"))
	f.Add([]byte("firn test 2 1\n\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x04\x01\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		conn := both{strings.NewReader(string(answer)), discard{}, discard{}}
		client, err := pipe.Dial(conn, greeting)
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		if answer, err := client.Do(request(t, "/", nil)); err == nil {
			_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<20))
			answer.Body.Close()
		}
	})
}

// BenchmarkUpload sends a large body.
func BenchmarkUpload(b *testing.B) {
	s := serve(b, greeting, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	body := strings.Repeat("x", 16<<20)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		answer, err := s.client.Do(request(b, "/", strings.NewReader(body)))
		if err != nil {
			b.Fatal(err)
		}
		answer.Body.Close()
	}
}

// BenchmarkDownload reads a large answer.
func BenchmarkDownload(b *testing.B) {
	body := strings.Repeat("x", 16<<20)
	s := serve(b, greeting, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		answer, err := s.client.Do(request(b, "/", nil))
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
	}
}
