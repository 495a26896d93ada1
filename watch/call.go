package watch

import (
	"context"
	"fmt"
	"time"

	"firn/outcome"
	"firn/site"
)

// callLimit is how long a call about one database may take before it is given up. An open, a look or a close reads a few pages; a
// disk that spins up and a file server that starts anew answer within that time. Readings of whole databases are not calls: the
// watchdog of package site looks after them.
const callLimit = 10 * time.Second

// call is a call about a database in a goroutine of its own. There is one at most for each database, so that a dead mount costs
// one goroutine, however often the database is tried.
type call struct {
	began    instant
	cancel   context.CancelFunc
	follower Follower // that the call may still use after it was given up
	given    bool     // given up
	late     func()   // is called in the loop if the call returns after it was given up; may be nil
}

// start makes a call about a database. When the call returns, then is called in the loop with its error, unless the call was
// given up before.
func (w *Watch) start(d *database, now instant, f func(context.Context) error, then func(instant, error)) *call {
	ctx, cancel := context.WithTimeout(w.work, callLimit)
	c := &call{began: now, cancel: cancel, follower: d.follower}
	d.call = c
	w.apart(func() func() {
		err := site.Caught(func() error { return f(ctx) })
		return func() { w.returned(d, c, err, then) }
	})
	return c
}

// returned is called in the loop when a call has returned.
func (w *Watch) returned(d *database, c *call, err error, then func(instant, error)) {
	c.cancel()
	d.call = nil
	now := w.clock.read()
	if c.given {
		if c.late != nil {
			c.late()
		}
		if c.follower != nil { // its state is not trusted any more
			w.start(d, now, func(context.Context) error { return c.follower.Close() }, func(instant, error) {})
		}
		return
	}
	then(now, err)
	if d.gone {
		w.close(d)
	}
}

// giveUpCalls gives up calls that hang. A database whose call hangs is tried again when the call has returned.
func (w *Watch) giveUpCalls(now instant) {
	for _, d := range w.databases {
		c := d.call
		if c == nil || c.given || now.since-c.began.since < callLimit {
			continue
		}
		c.given = true
		c.cancel()
		d.follower = nil
		w.fail(d, now, outcome.OfSource(fmt.Errorf("%w for %v", outcome.ErrStuck, callLimit)))
	}
}

// apart runs work in a goroutine of its own, and the function that it returns in the loop. After the end of the loop the function
// is dropped.
func (w *Watch) apart(work func() func()) {
	go func() {
		after := work()
		select {
		case w.posts <- after:
		case <-w.ended:
		}
	}()
}
