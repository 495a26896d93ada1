package pull

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"firn/pipe"
	"firn/ssh"
	"firn/store"
)

// Hosts are the connections to the agents of other hosts. All methods may be called by many goroutines at once.
type Hosts struct {
	ssh     store.SSH
	version string

	mu    sync.Mutex
	hosts map[ssh.Host]*Host
}

// NewHosts returns hosts to which ssh leads. The version is that of this program. The caller closes them.
func NewHosts(how store.SSH, version string) *Hosts {
	return &Hosts{ssh: how, version: version, hosts: make(map[ssh.Host]*Host)}
}

// At returns a host, without connecting to it.
func (h *Hosts) At(name ssh.Host) *Host {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.hosts[name] == nil {
		h.hosts[name] = NewHost(name.String(), h.version, func() (Connection, error) { return h.dial(name) })
	}
	return h.hosts[name]
}

// dial runs an agent on a host. Where the user's key is for an agent alone, the host runs that one, with the rights that its
// administrator has given.
func (h *Hosts) dial(name ssh.Host) (Connection, error) {
	return ssh.Command(name, h.ssh.FirnCommand(), []string{"agent", "--stdio", "--allow-all", "--writable"}, ssh.Options{Program: h.ssh.Program, Options: h.ssh.Options})
}

// Close ends all connections.
func (h *Hosts) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, host := range h.hosts {
		host.Close()
	}
	clear(h.hosts)
}

// Connection is a running agent, as [ssh.Conn] is.
type Connection interface {
	io.ReadWriteCloser
	Await(done <-chan struct{}, f func() error) error
	Explain(err error) error
}

// Host is another host with an agent. Its methods may be called by many goroutines at once, over one connection.
type Host struct {
	name    string
	version string
	dial    func() (Connection, error)
	turns   chan struct{} // one for each request under way

	mu     sync.Mutex
	client *pipe.Client // nil before the first request
	conn   Connection   // of client
}

// mostRequests is how many requests are under way at once. The agent takes 64.
const mostRequests = 48

// NewHost returns a host that is reached by the connections that dial makes. Name is its name for messages, version that of this
// program.
func NewHost(name, version string, dial func() (Connection, error)) *Host {
	return &Host{name: name, version: version, dial: dial, turns: make(chan struct{}, mostRequests)}
}

// connect returns the Connection, and makes a new one if there is none that works.
func (h *Host) connect() (*pipe.Client, Connection, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.works() {
		return h.client, h.conn, nil
	}
	h.drop()
	conn, err := h.dial()
	if err != nil {
		return nil, nil, h.broken(err)
	}
	client, err := pipe.Dial(conn, Greeting(h.version))
	if err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	h.client, h.conn = client, conn
	return client, conn, nil
}

// connected reports whether there is a connection.
func (h *Host) connected() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.works()
}

// works reports whether there is a connection. The caller has the lock.
func (h *Host) works() bool { return h.client != nil && h.client.Err() == nil }

// drop closes the connection. The caller has the lock.
func (h *Host) drop() {
	if h.client != nil {
		_ = h.client.Close()
		h.client, h.conn = nil, nil
	}
}

// Close ends the connection. A later request makes a new one.
func (h *Host) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drop()
}

// send sends a request and returns the beginning of the answer, and the connection that it comes by.
func (h *Host) send(ctx context.Context, path string, body io.Reader) (*http.Response, Connection, error) {
	client, conn, err := h.connect()
	if err != nil {
		return nil, nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+pipe.Host+path, body)
	if err != nil {
		return nil, nil, err
	}
	var answer *http.Response
	err = conn.Await(nil, func() (err error) { answer, err = client.Do(r); return err })
	if err != nil {
		return nil, nil, h.explain(ctx, client, conn, err)
	}
	return answer, conn, nil
}

// explain returns the error of a connection with its cause.
func (h *Host) explain(ctx context.Context, client *pipe.Client, conn Connection, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	reason := client.Err()
	switch {
	case reason == nil:
		return err
	case errors.Is(reason, pipe.ErrProtocol), errors.Is(reason, pipe.ErrService), errors.Is(reason, ssh.ErrChatter):
		return h.broken(reason)
	}
	return conn.Explain(err)
}

// turn waits until a request may be under way. The caller frees the turn when the request has ended.
func (h *Host) turn(ctx context.Context) (free func(), err error) {
	select {
	case h.turns <- struct{}{}:
		return func() { <-h.turns }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// mostAnswer is the number of bytes that an answer in JSON may have.
const mostAnswer = mostFrame

// ask sends a request in JSON and reads the answer into a value; nil for none.
func (h *Host) ask(ctx context.Context, path string, request, answer any) error {
	free, err := h.turn(ctx)
	if err != nil {
		return err
	}
	defer free()
	b, err := json.Marshal(request)
	if err != nil {
		return err
	}
	old := h.connected()
	response, conn, err := h.send(ctx, path, bytes.NewReader(b))
	if err != nil && old && ctx.Err() == nil && !h.connected() {
		// The connection was lost since it was last used. To ask the same once more is safe: no question changes a database.
		response, conn, err = h.send(ctx, path, bytes.NewReader(b))
	}
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var text []byte
	err = conn.Await(nil, func() (err error) {
		text, err = io.ReadAll(io.LimitReader(response.Body, mostAnswer+1))
		return err
	})
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return conn.Explain(err)
	case len(text) > mostAnswer:
		return h.broken(fmt.Errorf("%w: an answer of more than %d bytes", ErrFrame, mostAnswer))
	case response.StatusCode != http.StatusOK:
		return failureIn(text)
	case answer == nil:
		return nil
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return h.broken(fmt.Errorf("%w: %w", ErrFrame, err))
	}
	return nil
}
