package watch

import (
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"firn/outcome"
	"firn/site"
)

// peekEvery is the time between two peeks at the databases that are held. The WAL restarts at most once in that time at 100,000
// frames a second.
const peekEvery = 10 * time.Millisecond

// peekLimit is how long a peek may take before it is given up. It reads a few pages without a lock or a path, and all others wait
// for it.
const peekLimit = 3 * time.Second

// peeked is a database that is peeked at. Its name is for the loop alone.
type peeked struct {
	d        *database
	follower Follower
	failed   atomic.Bool // do not peek until the next look
}

// peeker peeks at all databases that are held, from one ticker in one goroutine.
type peeker struct {
	list  atomic.Pointer[[]*peeked]
	at    atomic.Pointer[peeked] // the one that is peeked at now; nil between two turns
	turns atomic.Int64           // grows with each peek
	gone  chan struct{}          // closed when the peeker was given up

	seen  int64   // of turns, by the loop
	since instant // when the loop saw that
}

// startPeeker begins to peek.
func (w *Watch) startPeeker(now instant) {
	p := &peeker{gone: make(chan struct{}), since: now}
	p.list.Store(&[]*peeked{})
	w.peeker = p
	go p.run(w.peekEvery, w.ended)
}

// run peeks until the watch ends, or until the peeker hangs and is given up.
func (p *peeker) run(every time.Duration, ended <-chan struct{}) {
	ticks := time.NewTicker(every)
	defer ticks.Stop()
	for {
		select {
		case <-ended:
			return
		case <-p.gone:
			return
		case <-ticks.C:
			for _, one := range *p.list.Load() {
				p.peek(one)
			}
			p.at.Store(nil)
		}
	}
}

// peek peeks at a database. After an error the next look says what is wrong.
func (p *peeker) peek(one *peeked) {
	if one.failed.Load() {
		return
	}
	p.at.Store(one)
	if err := site.Caught(one.follower.Peek); err != nil {
		one.failed.Store(true)
	}
	p.turns.Add(1)
}

// updatePeeker gives the peeker the databases that are held now. It keeps a database whose peek failed from being peeked at until
// a look at it has succeeded.
func (w *Watch) updatePeeker() {
	var list []*peeked
	for _, d := range w.databases {
		if d.follower != nil && d.follow.Held && d.fault == nil {
			list = append(list, &peeked{d: d, follower: d.follower})
		}
	}
	old := *w.peeker.list.Load()
	if slices.EqualFunc(old, list, func(a, b *peeked) bool { return a.follower == b.follower && !a.failed.Load() }) {
		return
	}
	w.peeker.list.Store(&list)
}

// watchPeeker gives the peeker up if it hangs at a database, and starts another one for the others.
func (w *Watch) watchPeeker(now instant) {
	p := w.peeker
	if turns := p.turns.Load(); turns != p.seen || p.at.Load() == nil {
		p.seen, p.since = turns, now
		return
	}
	if now.since-p.since.since < peekLimit {
		return
	}
	close(p.gone)
	stuck := p.at.Load()
	w.startPeeker(now)
	if stuck == nil || stuck.d.follower != stuck.follower {
		return
	}
	stuck.d.follower = nil // its goroutine still uses it
	w.fail(stuck.d, now, outcome.OfSource(fmt.Errorf("%w for %v", outcome.ErrStuck, peekLimit)))
}
