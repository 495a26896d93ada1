// Package lists keeps what a repository shows for a moment, for many requests that ask for the same.
package lists

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"firn/outcome"
	"firn/session"
	"firn/upkeep"
)

// Lists are what the repository shows, kept for a moment: a page and its neighbours ask for the same, and many clients at once.
type Lists struct {
	s    *session.Session
	idle *Idle

	mu       sync.Mutex // held while a request waits for a reading
	now      *Reading   // nil for none
	renewing bool       // a reading has begun that no request waits for
	changes  int        // a reading that began before the last of them does not count
}

// New returns lists of a repository. Idle is shared by lists of the same server.
func New(s *session.Session, idle *Idle) *Lists { return &Lists{s: s, idle: idle} }

// Idle is what a server does that no request waits for.
type Idle struct {
	life context.Context
	end  context.CancelFunc

	mu    sync.Mutex
	ended bool
	work  sync.WaitGroup
}

// NewIdle returns one that does nothing yet.
func NewIdle() *Idle {
	i := &Idle{}
	i.life, i.end = context.WithCancel(context.Background())
	return i
}

// begin calls a function apart, unless the server ends.
func (i *Idle) begin(f func(context.Context)) (ok bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.ended {
		i.work.Go(func() { f(i.life) })
	}
	return !i.ended
}

// Finish interrupts what is under way, and waits for it.
func (i *Idle) Finish() {
	i.mu.Lock()
	i.ended = true
	i.mu.Unlock()
	i.end()
	i.work.Wait()
}

// Reading is the catalog as it was at a time, and what follows from it.
type Reading struct {
	*session.Catalog
	At time.Time

	once    sync.Once
	status  *upkeep.Status
	problem error

	asked sync.Once
	rules upkeep.Rules
}

// The ages up to which a reading is given out.
const (
	Life     = time.Second      // for all that does not say of what time it is
	LongLife = 10 * time.Second // for a page that says so
)

// Catalog returns the list of snapshots.
func (l *Lists) Catalog(ctx context.Context) (*session.Catalog, error) {
	r, err := l.Read(ctx, Life)
	if err != nil {
		return nil, err
	}
	return r.Catalog, nil
}

// Read returns a reading that is not older than an age. If it is older than a second, a newer one is read meanwhile, so that the next
// request finds that.
func (l *Lists) Read(ctx context.Context, most time.Duration) (*Reading, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.now == nil || !l.young(most):
		r, err := l.fetch(ctx)
		if err != nil {
			return nil, err
		}
		l.now = r
	case !l.young(Life) && !l.renewing:
		changes := l.changes
		l.renewing = l.idle.begin(func(ctx context.Context) { l.renew(ctx, changes) })
	}
	return l.now, nil
}

// young reports whether the last reading is at most of an age. A clock that was set back makes it old.
func (l *Lists) young(most time.Duration) bool {
	age := l.s.Now().Sub(l.now.At)
	return age >= 0 && age < most
}

// fetch reads the repository.
func (l *Lists) fetch(ctx context.Context) (*Reading, error) {
	l.s.Repo.Refresh()
	at := l.s.Now()
	known, err := l.s.Catalog(ctx)
	if err != nil {
		return nil, Unreadable(err)
	}
	return &Reading{Catalog: known, At: at}, nil
}

// renew reads the repository while the last reading is still given out. An error is that of the next request, which reads itself.
func (l *Lists) renew(ctx context.Context, changes int) {
	r, err := l.fetch(ctx)
	if err == nil {
		_, err = r.State(ctx)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.renewing = false
	if err == nil && changes == l.changes && !r.At.Before(l.now.At) { // a request may have read a newer one meanwhile
		l.now = r
	}
}

// Forget drops the last reading after a change.
func (l *Lists) Forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now, l.changes = nil, l.changes+1
}

// State returns the status of all databases. It is judged once, at the time of the reading or a little later, so that it never says
// more than was true then.
func (r *Reading) State(ctx context.Context) (*upkeep.Status, error) {
	r.once.Do(func() {
		if r.status, r.problem = upkeep.StatusOf(context.WithoutCancel(ctx), r.Catalog, upkeep.StatusOptions{}); r.problem != nil {
			r.problem = Unreadable(r.problem)
		}
	})
	return r.status, r.problem
}

// Retention returns the rules of retention that hold.
func (r *Reading) Retention(ctx context.Context) upkeep.Rules {
	r.asked.Do(func() { r.rules = upkeep.RulesOf(context.WithoutCancel(ctx), r.Session, nil) })
	return r.rules
}

// ErrRepository is the error of the repository as a whole: it is away, slow, or damaged.
var ErrRepository = errors.New("the repository cannot be read")

// SlowHint says what to do when a page has taken too long.
const SlowHint = "The store of the repository is slow, or does not answer. Work that runs goes on. Load the page again in a while."

// Unreadable returns an error of the repository as a whole, with what to do about it.
func Unreadable(err error) error {
	code, hint := outcome.Classify(err)
	switch {
	case errors.Is(err, context.Canceled): // the client has gone away
		return err
	case errors.Is(err, context.DeadlineExceeded):
		hint = SlowHint
	case hint == "":
		hint = "Look whether its disk is mounted and its host can be reached. Work that runs goes on. Then load the page again; if it stays so, start the server anew."
	}
	return outcome.New(fmt.Errorf("%w: %w", ErrRepository, err), code, hint)
}
