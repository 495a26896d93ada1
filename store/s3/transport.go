package s3

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"firn/host"
	"firn/store"
)

const (
	connections = 16 // idle connections kept open
	dialWait    = 10 * time.Second
	// idleWait is how long a connection may move no byte in either direction before it
	// counts as dead, unless [Options.Idle] says otherwise. TCP alone would wait for hours.
	idleWait = time.Minute
	// burst is the most that a limited connection sends or receives at once, in bytes.
	burst = 16 << 10
)

// newTransport returns the transport for all requests. It counts them, keeps to the
// limits, and lets no connection and no request hang.
func newTransport(opts Options, t *traffic) (http.RoundTripper, error) {
	roots, err := trusted(opts.CAFile)
	if err != nil {
		return nil, err
	}
	dial, proxy := (&net.Dialer{Timeout: dialWait}).DialContext, http.ProxyFromEnvironment
	if opts.Dial != nil {
		dial, proxy = func(ctx context.Context, _, _ string) (net.Conn, error) { return opts.Dial(ctx) }, nil
	}
	up, down := newLimiter(opts.UploadLimit), newLimiter(opts.DownloadLimit)
	t.next = &http.Transport{
		Proxy: proxy,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &conn{Conn: c, idle: opts.idle(), traffic: t, up: up, down: down}, nil
		},
		TLSClientConfig:     &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: dialWait,
		MaxIdleConns:        connections,
		MaxIdleConnsPerHost: connections,
		IdleConnTimeout:     idleWait,

		MaxResponseHeaderBytes: maxHeader,
		DisableCompression:     true, // encrypted data does not compress, and sizes must not change
	}
	return newGuard(t, t, opts), nil
}

// trusted returns the system's certificates together with those of a file. Without a
// file it returns nil, which means the system's alone.
func trusted(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := host.ReadFile(file) // if other users could change it, they could read the requests
	if err != nil {
		return nil, fmt.Errorf("read certificates: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read certificates: %s: %w", file, errors.New("no certificate in PEM in it"))
	}
	return roots, nil
}

func newLimiter(bytesPerSecond int64) *rate.Limiter {
	if bytesPerSecond <= 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(bytesPerSecond), burst)
}

// traffic counts requests and bytes. It is safe for concurrent use.
type traffic struct {
	next http.RoundTripper

	lists, puts, gets, heads, deletes, others, sent, received atomic.Int64

	answered atomic.Bool // the server has answered a request
}

// moved returns the bytes sent and received.
func (t *traffic) moved() int64 { return t.sent.Load() + t.received.Load() }

// RoundTrip counts a request and makes it.
func (t *traffic) RoundTrip(r *http.Request) (*http.Response, error) {
	query := r.URL.Query()
	switch {
	case query.Has("list-type"):
		t.lists.Add(1)
	case query.Has("delete"), r.Method == http.MethodDelete:
		t.deletes.Add(1)
	case r.Method == http.MethodPut && !query.Has("retention"):
		t.puts.Add(1)
	case r.Method == http.MethodHead:
		t.heads.Add(1)
	case r.Method == http.MethodGet:
		t.gets.Add(1)
	default:
		t.others.Add(1)
	}
	return t.next.RoundTrip(r)
}

func (t *traffic) snapshot() store.Traffic {
	return store.Traffic{
		Lists: t.lists.Load(), Puts: t.puts.Load(), Gets: t.gets.Load(), Heads: t.heads.Load(),
		Deletes: t.deletes.Load(), Others: t.others.Load(),
		Sent: t.sent.Load(), Received: t.received.Load(),
	}
}

// conn is a connection with a limit of its speed and of its idle time.
type conn struct {
	net.Conn
	idle     time.Duration
	traffic  *traffic
	up, down *rate.Limiter
}

// Read reads at most as much as the limit allows at once. A byte in either direction
// extends the deadline of both, because the answer to a long upload is awaited while
// the upload is sent.
func (c *conn) Read(b []byte) (int, error) {
	if c.down != nil && len(b) > burst {
		b = b[:burst]
	}
	if err := c.alive(); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(b)
	c.traffic.received.Add(int64(n))
	if err == nil {
		err = wait(c.down, n)
	}
	return n, err
}

// Write writes in portions that the limit allows.
func (c *conn) Write(b []byte) (written int, err error) {
	for len(b) > 0 && err == nil {
		portion := b
		if c.up != nil {
			portion = b[:min(burst, len(b))]
			if err := wait(c.up, len(portion)); err != nil {
				return written, err
			}
		}
		if err := c.alive(); err != nil {
			return written, err
		}
		var n int
		n, err = c.Conn.Write(portion)
		c.traffic.sent.Add(int64(n))
		written, b = written+n, b[n:]
	}
	return written, err
}

func (c *conn) alive() error { return c.Conn.SetDeadline(time.Now().Add(c.idle)) }

// wait waits until n bytes are allowed. It ignores cancellation, because the pause is
// short and a cancelled request closes the connection.
func wait(l *rate.Limiter, n int) error {
	if l == nil {
		return nil
	}
	return l.WaitN(context.Background(), n)
}
