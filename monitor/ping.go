package monitor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"firn/config"
	"firn/report"
	"firn/session"
)

const (
	pingTries   = 3
	pingTimeout = 5 * time.Second // of a try
	pingPause   = time.Second     // between two, and twice that before the last
	pingBody    = 10 << 10        // bytes: what healthchecks.io shows, and others accept
)

// Ping tells a monitor how backups go, by the conventions of healthchecks.io: a request to the address itself is a
// success, a request to /start or /fail below it is a start or a failure. The monitor raises the alarm, also when it hears
// nothing. A backup does not depend on the monitor.
type Ping struct {
	*session.Caller
	name    string
	address *url.URL   // nil for no monitor
	started chan error // of telling the start, once; nil as long as it is not told
}

// NewPing returns the monitor of an environment. Its methods do nothing for an environment without one.
func NewPing(c *session.Caller, env *config.Environment) *Ping {
	p := &Ping{Caller: c, name: env.Name}
	if env.Ping != "" {
		p.address, _ = config.ParsePing(env.Ping) // validated
	}
	return p
}

// Start tells of the start at the same time as the backup runs, so that the backup does not wait for the monitor. One
// attempt is enough: the end is what counts.
func (p *Ping) Start(ctx context.Context) {
	if p.address == nil {
		return
	}
	p.started = make(chan error, 1)
	go func() {
		_, err := p.try(context.WithoutCancel(ctx), "start", "")
		p.started <- err
	}()
}

// Succeeded tells of a success, in a line.
func (p *Ping) Succeeded(ctx context.Context, line string) { p.end(ctx, "", line) }

// Beat tells of a success, by a single attempt: there is another one soon.
func (p *Ping) Beat(ctx context.Context, line string) error {
	if p.address == nil {
		return nil
	}
	_, err := p.try(ctx, "", line)
	return err
}

// Failed tells of a failure.
func (p *Ping) Failed(ctx context.Context, err error) {
	p.end(ctx, "fail", report.Clean(err.Error()))
}

// end tells of the end, and warns if it could not. It waits for the attempt to tell of the start, so that the monitor gets
// the two in their order.
func (p *Ping) end(ctx context.Context, what, body string) {
	if p.address == nil {
		return
	}
	if p.started != nil { // a failed prune has no start of its own
		if err := <-p.started; err != nil {
			p.Detail("%s: the monitor was not told of the start: %v", p.name, err)
		}
	}
	if err := p.send(ctx, what, body); err != nil {
		p.Warn("%s: the monitor at %s was not told: %v", p.name, p.address.Host, err)
	}
}

// send makes some attempts. After an interrupt it makes a single one: a person waits for the end.
func (p *Ping) send(ctx context.Context, what, body string) error {
	for try := 1; ; try++ {
		again, err := p.try(context.WithoutCancel(ctx), what, body)
		if err == nil || !again || try == pingTries {
			return err
		}
		select {
		case <-time.After(time.Duration(try) * pingPause):
		case <-ctx.Done():
			return err
		}
	}
}

// try makes one attempt, and tells whether another may do better.
func (p *Ping) try(ctx context.Context, what, body string) (again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	address := p.address
	if what != "" {
		address = address.JoinPath(what)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address.String(), strings.NewReader(body[:min(len(body), pingBody)]))
	if err != nil {
		return false, err
	}
	request.Header.Set("User-Agent", "firn/"+p.Tool)
	request.Header.Set("Content-Type", "text/plain; charset=utf-8")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err // without the address, which is a secret
		}
		return true, err
	}
	_, _ = io.CopyN(io.Discard, response.Body, pingBody) // for the connection to be used again
	response.Body.Close()
	if response.StatusCode/100 != 2 {
		return response.StatusCode/100 == 5 || response.StatusCode == http.StatusTooManyRequests, fmt.Errorf("it answers %s", response.Status)
	}
	return false, nil
}
