// Package web serves the history of a repository over HTTP: pages for people, and an API with the JSON of the command line. All
// that it shows may come from a hostile database, and every request from a hostile network.
package web

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"firn/access"
	"firn/config"
	"firn/session"
	"firn/web/gate"
	"firn/web/lists"
	"firn/web/work"
)

// Options say how a server serves. Tokens and Log are needed.
type Options struct {
	Tokens *access.File
	Log    *access.Log
	Hosts  []string // names by which browsers reach the server, beside localhost and its own addresses

	// BehindProxy takes the client's address from the last entry of X-Forwarded-For, which the proxy has added.
	BehindProxy bool

	CertFile, KeyFile string // of TLS; "" for none

	Limits Limits
}

// Limits bound what one request may cost. A zero value stands for the default.
type Limits struct {
	QueryTime  time.Duration // of a query, and of waiting for its turn
	QueryRows  int           // of its result
	QueryBytes int           // of its result
	Queries    int           // at once, of all clients
	PageTime   time.Duration // of what a page takes from the repository
	Stall      time.Duration // for how long a client may take nothing of an answer
	Grace      time.Duration // for requests under way when the server ends
}

// fill returns the limits with the defaults in place of zero values.
func (l Limits) fill() Limits {
	setDefault(&l.QueryTime, 10*time.Second)
	setDefault(&l.QueryRows, 10_000)
	setDefault(&l.QueryBytes, 16<<20)
	setDefault(&l.Queries, 4)
	setDefault(&l.PageTime, time.Minute)
	setDefault(&l.Stall, time.Minute)
	setDefault(&l.Grace, 10*time.Second)
	return l
}

func setDefault[T comparable](value *T, otherwise T) {
	var zero T
	if *value == zero {
		*value = otherwise
	}
}

// Server serves one repository. Make one with [New]. Its methods may be called by many goroutines at once.
//
// A server of another configuration is a copy with another session: a request keeps the one that it began with.
type Server struct {
	s       *session.Session
	o       Options
	handler http.Handler
	words   *words
	gate    *gate.Gate
	people  *gate.People
	guesses *gate.Guesses
	lists   *lists.Lists
	idle    *lists.Idle
	turns   *gate.Turns   // of queries, one at a time for each client
	queries chan struct{} // a place for each query that may run
	copies  chan struct{} // a place for each live copy on the disk, and for each large value in memory
	streams *gate.Turns   // of files, one for each client
	board   *work.Board   // of changes
	current *atomic.Pointer[Server]
}

// mostCopies is how many fresh copies of live databases, and large values, may be here at once.
const mostCopies = 2

// New returns a server of an open repository.
func New(s *session.Session, o Options) (*Server, error) {
	o.Limits = o.Limits.fill()
	v := &Server{
		s: s, o: o, people: gate.NewPeople(s.Now), guesses: gate.NewGuesses(s.Now),
		turns: gate.NewTurns(), queries: make(chan struct{}, o.Limits.Queries), copies: make(chan struct{}, mostCopies), streams: gate.NewTurns(),
		current: new(atomic.Pointer[Server]),
	}
	v.board = work.NewBoard(work.Options{Log: o.Log, Now: s.Now})
	v.idle = lists.NewIdle()
	v.lists = lists.New(s, v.idle)
	var err error
	if v.words, err = newWords(v); err != nil {
		return nil, err
	}
	v.gate = gate.New(gate.Options{Hosts: o.Hosts, BehindProxy: o.BehindProxy, Stall: o.Limits.Stall, MaxBody: maxBody})
	v.handler = v.guard(v.mux())
	v.current.Store(v)
	return v, nil
}

// Handler returns the handler of all requests, for tests and for programs with a server of their own.
func (v *Server) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { v.current.Load().handler.ServeHTTP(w, r) })
}

// Reload has further requests answered by another configuration of the same repository. Requests under way keep theirs.
func (v *Server) Reload(conf *config.Config) {
	next := *v.current.Load()
	next.s = next.s.WithConfig(conf)
	next.lists = lists.New(next.s, next.idle)
	if words, err := newWords(&next); err == nil { // as it was when the server was made
		next.words = words
	}
	next.handler = next.guard(next.mux())
	v.current.Store(&next)
}

// Link returns the secret of a new one-time link. It is good for one sign-in with all rights, for ten minutes.
func (v *Server) Link() string { return v.people.NewLink() }

// guard lets the gate look at every request first.
func (v *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := v.gate.Enter(w, r)
		if err != nil {
			c := &call{w: p, r: r, v: v, api: isAPI(r)}
			c.fail(err)
			return
		}
		next.ServeHTTP(p, r)
	})
}

// isAPI reports whether a program asks, which gets errors in JSON.
func isAPI(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, "/api/") || r.URL.Path == "/metrics" || r.URL.Path == "/healthz"
}

// maxHeader is the size of a request's headers in bytes. The cookie and a token take some hundred.
const maxHeader = 16 << 10

// Serve answers requests until the context ends. Then requests and changes under way have some seconds. A change that takes longer
// is interrupted, and waited for until it has left everything in order. Serve closes the listener.
func (v *Server) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler: v.Handler(), MaxHeaderBytes: maxHeader,
		ReadHeaderTimeout: min(v.o.Limits.Stall, 10*time.Second), IdleTimeout: 2 * time.Minute, WriteTimeout: v.o.Limits.Stall,
		ErrorLog: log.New(io.Discard, "", 0), // strangers must not fill a journal
	}
	ended := make(chan error, 1)
	go func() {
		if v.o.CertFile != "" {
			ended <- server.ServeTLS(l, v.o.CertFile, v.o.KeyFile)
		} else {
			ended <- server.Serve(l)
		}
	}()
	select {
	case err := <-ended:
		grace, cancel := v.grace(ctx)
		defer cancel()
		v.finish(grace)
		return err
	case <-ctx.Done():
	}
	grace, cancel := v.grace(ctx)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		_ = server.Close() // the grace is over
	}
	v.finish(grace)
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// finish lets changes end until the grace is over, and waits until all have left everything in order.
func (v *Server) finish(grace context.Context) {
	v.board.End(grace)
	v.idle.Finish()
}

// grace returns the context of what is under way when the server ends.
func (v *Server) grace(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), v.o.Limits.Grace)
}
