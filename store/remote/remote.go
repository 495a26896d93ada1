package remote

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"firn/pipe"
	"firn/ssh"
	"firn/store"
	"firn/store/wire"
)

// Greeting returns the greeting of a store's server.
func Greeting(version string) pipe.Greeting {
	return pipe.Greeting{Service: "store", Protocol: wire.Protocol, Firn: version}
}

// Options say which folder of which host is meant, and how to get there.
type Options struct {
	Host     ssh.Host
	Folder   string // begins with a slash, or with ~ for the home of the user
	Location string // for messages
	Firn     string // the command that runs firn there
	Version  string // of this firn, for messages
	SSH      ssh.Options

	UploadLimit, DownloadLimit int64         // bytes per second; 0 for no limit
	Patience                   time.Duration // how long a failing request is repeated; zero means 2 minutes
}

// Store is a [store.Store] on another host. Make one with [Open].
type Store struct {
	*wire.Store
	carrier *carrier
}

var (
	_ store.Store   = (*Store)(nil)
	_ store.Cleaner = (*Store)(nil)
	_ store.Counter = (*Store)(nil)
	_ store.Creator = (*Store)(nil)
	_ store.Spacer  = (*Store)(nil)
)

// Open prepares to use the place. The connection begins with the first call, and is made anew when it breaks. The caller
// closes the store.
func Open(o Options) *Store {
	c := &carrier{opts: o, meter: newMeter(o.UploadLimit, o.DownloadLimit)}
	return &Store{
		Store: wire.New(wire.Options{
			Carrier: c, URL: "http://" + pipe.Host, Location: o.Location, Place: o.Folder, Patience: o.Patience,
		}),
		carrier: c,
	}
}

// Close ends the connection. Calls under way fail.
func (s *Store) Close() error { return s.carrier.close() }

// Traffic returns the number of requests and bytes so far.
func (s *Store) Traffic() store.Traffic {
	t := s.Store.Traffic()
	t.Sent, t.Received = s.carrier.meter.sent.Load(), s.carrier.meter.received.Load()
	return t
}

// carrier sends requests over the one connection, and makes a new one when that has ended.
type carrier struct {
	opts  Options
	meter *meter

	mu     sync.Mutex
	link   *link // nil without a connection
	closed bool
}

// link is one connection.
type link struct {
	conn     *ssh.Conn
	client   *pipe.Client
	answered atomic.Bool
}

// Carry sends a request.
func (c *carrier) Carry(r *http.Request, read func(*http.Response) error) error {
	l, err := c.connected()
	if err != nil {
		return err
	}
	err = l.conn.Await(nil, func() error {
		answer, err := l.client.Do(r)
		if err != nil {
			return broken(err)
		}
		defer answer.Body.Close()
		l.answered.Store(true)
		return read(answer)
	})
	if err == nil || r.Context().Err() != nil || l.client.Err() == nil {
		return err
	}
	err = l.explain()
	c.drop(l)
	return err
}

// broken returns the error of a request that has failed while its connection has not. Its cause has another meaning in a store.
func broken(err error) error { return fmt.Errorf("%w: %v", store.ErrUnreachable, err) }

var errClosed = errors.New("the connection was closed")

// connected returns the connection, after making it if there is none.
func (c *carrier) connected() (*link, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errClosed
	}
	if c.link != nil {
		return c.link, nil
	}
	conn, err := ssh.Command(c.opts.Host, c.opts.Firn, []string{"store", "serve", "--stdio", "--", c.opts.Folder}, c.opts.SSH)
	if err != nil {
		return nil, err
	}
	client, err := pipe.Dial(&metered{conn, c.meter}, Greeting(c.opts.Version))
	if err != nil {
		return nil, broken(err)
	}
	c.link = &link{conn: conn, client: client}
	return c.link, nil
}

// drop forgets a connection that has ended.
func (c *carrier) drop(l *link) {
	c.mu.Lock()
	if c.link == l {
		c.link = nil
	}
	c.mu.Unlock()
	l.conn.Kill()
	_ = l.client.Close() // it has failed before
}

func (c *carrier) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.link == nil {
		return nil
	}
	err := c.link.client.Close()
	c.link = nil
	return err
}

// linkError says why a connection has ended.
type linkError struct {
	text  string
	kinds []error
}

// Error returns the words of ssh or of the other side.
func (e *linkError) Error() string { return e.text }

// Unwrap returns the kinds alone: the causes below have another meaning in a store.
func (e *linkError) Unwrap() []error { return e.kinds }

// explain returns the error of a connection that has ended.
func (l *link) explain() error {
	reason := l.client.Err()
	for _, kind := range []error{ssh.ErrChatter, pipe.ErrProtocol, pipe.ErrService} {
		if errors.Is(reason, kind) {
			return &linkError{fmt.Sprintf("%s: %v", l.conn.Host(), reason), []error{kind}}
		}
	}
	reason = l.conn.Explain(reason)
	for _, kind := range []error{ssh.ErrHostKey, ssh.ErrUnknownHost, ssh.ErrLogin, ssh.ErrNoCommand} {
		if errors.Is(reason, kind) {
			return &linkError{reason.Error(), []error{kind}}
		}
	}
	for _, kind := range []error{ssh.ErrUnreachable, ssh.ErrSilent} {
		if errors.Is(reason, kind) {
			return &linkError{reason.Error(), []error{kind, store.ErrUnreachable}}
		}
	}
	// A program that ends before its first answer will do so again.
	e := &linkError{reason.Error(), []error{ssh.ErrEnded}}
	if l.answered.Load() {
		e.kinds = append(e.kinds, store.ErrUnreachable)
	}
	return e
}
