package s3test

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
)

// Proxy is a plain HTTP proxy in front of a [Server], and accepts the same keys. It counts requests and can break them.
// Its methods may be called concurrently.
type Proxy struct {
	URL string // like that of a server

	target    *Server
	base      *url.URL // of the target
	transport *http.Transport

	mu       sync.Mutex
	requests []Request
	answered int64 // bytes
	fault    func(n int, r *http.Request) Fault
	n        int // requests since fault was set
}

// StartProxy starts a proxy, which ends with the test.
func StartProxy(t testing.TB, target *Server) *Proxy {
	t.Helper()
	base, err := url.Parse(target.URL)
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{target: target, base: base, transport: target.transport(t)}
	listener := httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(listener.Close)
	p.URL = listener.URL
	return p
}

// Location returns the repository location of a prefix in the server's bucket, by way of the proxy.
func (p *Proxy) Location(prefix string) string { return location(p.URL, p.target.Bucket, prefix) }

// Client returns a client with the given keys, by way of the proxy. It repeats no request.
func (p *Proxy) Client(t testing.TB, accessKey, secretKey string) *minio.Client {
	t.Helper()
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return newClient(t, p.URL, transport, accessKey, secretKey)
}

// Requests returns the requests that arrived since the last [Proxy.Reset], with the broken requests.
func (p *Proxy) Requests() []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.requests)
}

// Answered returns the number of bytes in the server's answers to these requests, without headers.
func (p *Proxy) Answered() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.answered
}

// Reset forgets the requests that arrived.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests, p.answered = nil, 0
}

// Break lets f decide on each request from now on. A nil f lets all requests pass. The argument n counts the requests,
// from 1. The calls of f come one at a time. f must use neither the proxy nor the request's body.
//
// Go's HTTP client repeats a GET or HEAD by itself if a used connection was reset. A test that resets just one such
// request may see only its repetition.
func (p *Proxy) Break(f func(n int, r *http.Request) Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault, p.n = f, 0
}

// note records a request and returns its fault.
func (p *Proxy) note(r *http.Request) Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = append(p.requests, newRequest(r))
	p.n++
	if p.fault == nil {
		return Pass
	}
	return p.fault(p.n, r)
}

func (p *Proxy) serve(w http.ResponseWriter, r *http.Request) {
	fault := p.note(r)
	if fault.refuse(w, r) {
		return
	}
	response, body, err := p.forward(r, fault)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	p.mu.Lock()
	p.answered += int64(len(body))
	p.mu.Unlock()
	fault.answer(w, response, body)
}

// forward sends a request on and reads the whole answer. It keeps the client's Host header, because that is signed.
func (p *Proxy) forward(r *http.Request, fault Fault) (*http.Response, []byte, error) {
	switch fault {
	case Slow:
		linger(r)
	case StripCondition:
		if err := p.stripCondition(r); err != nil {
			return nil, nil, err
		}
	}
	out := r.Clone(r.Context())
	out.URL.Scheme, out.URL.Host, out.RequestURI = p.base.Scheme, p.base.Host, ""
	response, err := p.transport.RoundTrip(out)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response, body, err
}

// linger waits a little, or until the client has gone.
func linger(r *http.Request) {
	delay := time.NewTimer(Slowness)
	defer delay.Stop()
	select {
	case <-delay.C:
	case <-r.Context().Done():
	}
}

// send gives the answer to the client. The body may be a part of the answer's body.
func send(w http.ResponseWriter, response *http.Response, body []byte, size int) {
	maps.Copy(w.Header(), response.Header)
	if response.Request.Method != http.MethodHead && response.StatusCode != http.StatusNoContent {
		w.Header().Set("Content-Length", strconv.Itoa(size))
	}
	w.WriteHeader(response.StatusCode)
	w.Write(body) // a client that has gone needs no answer
}
