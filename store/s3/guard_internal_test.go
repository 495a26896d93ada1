package s3

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// fastGuard returns a guard that checks every few milliseconds.
func fastGuard(moved func() int64) *guard {
	return &guard{
		next: http.DefaultTransport, moved: moved, answered: func() bool { return false },
		wait: 20 * time.Millisecond, firstWait: 20 * time.Millisecond, least: 1000,
	}
}

// TestSlowRequestsEnd uses servers that delay a request in each of its phases.
func TestSlowRequestsEnd(t *testing.T) {
	t.Parallel()
	still := func() int64 { return 7 }
	for name, answer := range map[string]http.HandlerFunc{
		"NoAnswer": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"NoEnd": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100000")
			_, _ = io.WriteString(w, " ")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body) // otherwise the server does not notice that the client has gone
				answer(w, r)
			}))
			defer server.Close()
			for _, method := range []string{http.MethodGet, http.MethodPut} {
				if err := request(t, fastGuard(still), method, server.URL); !errors.Is(err, errSlow) {
					t.Errorf("%s: got %v, want errSlow", method, err)
				}
			}
		})
	}
}

// TestSlowHeadersEnd uses a server that begins its headers and never ends them. The
// guard must wait less long for it than for a server that sends nothing.
func TestSlowHeadersEnd(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nX-A: a")
		<-release
		c.Close()
	}))
	defer server.Close()
	defer close(release)
	g := fastGuard(func() int64 { return 7 })
	g.wait = time.Hour
	if err := request(t, g, http.MethodGet, server.URL); !errors.Is(err, errSlow) {
		t.Errorf("got %v, want errSlow", err)
	}
}

// TestSteadyRequestsLast reads an answer that takes many checks, on a line that
// always moves enough bytes.
func TestSteadyRequestsLast(t *testing.T) {
	t.Parallel()
	var looks atomic.Int64
	looked := make(chan struct{})
	moved := func() int64 {
		n := looks.Add(1)
		if n == 5 {
			close(looked)
		}
		return n * 1000
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.(http.Flusher).Flush()
		<-looked
		_, _ = io.WriteString(w, "whole")
	}))
	defer server.Close()
	if err := request(t, fastGuard(moved), http.MethodGet, server.URL); err != nil {
		t.Errorf("got %v, want the answer", err)
	}
}

// TestLimitsLowerTheRate checks the lowest accepted rate under limits that are near
// or below it.
func TestLimitsLowerTheRate(t *testing.T) {
	t.Parallel()
	for want, opts := range map[int64]Options{
		minRate: {UploadLimit: 1 << 20}, 100: {DownloadLimit: 200}, 50: {UploadLimit: 100, DownloadLimit: 200},
	} {
		if got := newGuard(nil, &traffic{}, opts).least; got != want {
			t.Errorf("limits %d and %d: got %d bytes a second, want %d", opts.UploadLimit, opts.DownloadLimit, got, want)
		}
	}
}

// request makes a request and reads the whole answer.
func request(t *testing.T, g *guard, method, url string) error {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := g.RoundTrip(r)
	if err != nil {
		return err
	}
	_, err = io.ReadAll(answer.Body)
	return errors.Join(err, answer.Body.Close())
}
