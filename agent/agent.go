// Package agent reads the databases of this host for firn on another one, which pulls them: see package pull. It answers only
// for databases that it was allowed, and it knows neither keys nor stores.
package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"firn/pipe"
	"firn/pull"
	"firn/site"
)

// Options say what an agent may do.
type Options struct {
	Allow    []string // patterns of paths of databases, as [path.Match] takes them
	AllowAll bool     // all databases that the user can read
	Writable bool     // the databases may also be restored
	CacheDir string   // for row counters; "" for none
	Version  string   // of this program

	Now      func() time.Time
	Silence  time.Duration // how long a database may give no answer; 0 for the usual time
	Patience time.Duration // how long a puller may say nothing while an image is open, which holds up checkpoints; 0 for two minutes
}

// Agent answers the requests of one connection. Make one with [New], and close it.
type Agent struct {
	o       Options
	allowed []pattern
	images  atomic.Int64 // number of images so far

	mu        sync.Mutex
	followers map[string]*followed // by the path of the database
	peeking   bool
	ended     chan struct{}
}

// New returns an agent. It touches no file but the folders of the patterns.
func New(o Options) (*Agent, error) {
	a := &Agent{o: o, followers: make(map[string]*followed), ended: make(chan struct{})}
	if a.o.Silence == 0 {
		a.o.Silence = site.StuckSilence
	}
	if a.o.Patience == 0 {
		a.o.Patience = idleTime
	}
	for _, text := range o.Allow {
		p, err := newPattern(text)
		if err != nil {
			return nil, err
		}
		a.allowed = append(a.allowed, p)
	}
	return a, nil
}

// Serve answers the requests that come by a pair of pipes until the input ends or the context is cancelled.
func (a *Agent) Serve(ctx context.Context, in io.Reader, out io.WriteCloser) error {
	return pipe.Serve(ctx, in, out, pull.Greeting(a.o.Version), a.Handler())
}

// Handler returns the agent as a handler of requests.
func (a *Agent) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+pull.PathDescribe, answer(a.describe))
	mux.HandleFunc("POST "+pull.PathLook, answer(a.look))
	mux.HandleFunc("POST "+pull.PathStored, answer(a.stored))
	mux.HandleFunc("POST "+pull.PathRelease, answer(a.release))
	mux.HandleFunc("POST "+pull.PathTarget, answer(a.target))
	mux.HandleFunc("POST "+pull.PathImage, a.image)
	mux.HandleFunc("POST "+pull.PathRestore, a.restore)
	return mux
}

// Close ends the following of all databases.
func (a *Agent) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	close(a.ended)
	var errs []error
	for path, f := range a.followers {
		errs = append(errs, f.Close())
		delete(a.followers, path)
	}
	return errors.Join(errs...)
}

// mostRequest is the number of bytes that a request in JSON may have.
const mostRequest = 64 << 10

// answer returns a handler of requests that are one JSON value each way.
func answer[Q, A any](f func(context.Context, Q) (A, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var q Q
		err := json.NewDecoder(io.LimitReader(r.Body, mostRequest)).Decode(&q)
		if err != nil {
			refuse(w, fmt.Errorf("%w: %w", pull.ErrRequest, err))
			return
		}
		var a A
		if err := site.Caught(func() (err error) { a, err = f(r.Context(), q); return err }); err != nil {
			refuse(w, err)
			return
		}
		_ = json.NewEncoder(w).Encode(a) // a lost connection shows at the other end
	}
}

// refuse answers with an error.
func refuse(w http.ResponseWriter, err error) {
	w.WriteHeader(http.StatusUnprocessableEntity)
	_ = json.NewEncoder(w).Encode(pull.FailureOf(err))
}
