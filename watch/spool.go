package watch

import (
	"context"
	"time"

	"firn/outcome"
	"firn/report"
	"firn/retention"
	"firn/site"
)

// Spool keeps what is put on this host while the store is away. A put into a full spool fails with an error that matches
// [store.ErrNoSpace].
type Spool interface {
	// Waiting returns how much waits for the store, and since when.
	Waiting() (objects int, bytes int64, since time.Time)
	// Drain puts what waits into the store, in its order. After an error the rest still waits.
	Drain(ctx context.Context) error
}

// drainPoll is the time between two looks at the spool.
const drainPoll = time.Second

// draining is how the spool is being emptied.
type draining struct {
	drainUnderWay bool
	drained       timer
	drainRetry    backoff
	drainCode     int       // of the last error; 0 for none
	spooling      time.Time // since when objects wait; zero for none
}

// spooled returns the number of objects that wait in the spool.
func (w *Watch) spooled() int {
	if w.spool == nil {
		return 0
	}
	n, _, _ := w.spool.Waiting()
	return n
}

// drain empties the spool into the store when that is there again.
func (w *Watch) drain(now instant) {
	if w.spool == nil || w.drainUnderWay || !w.drained.due(now) || !w.drainRetry.due(now) {
		return
	}
	w.drained.set(now, drainPoll)
	objects, bytes, since := w.spool.Waiting()
	if objects == 0 {
		return
	}
	if w.spooling.IsZero() {
		w.spooling = since
		w.tell(Problem, kindAway, "the store does not answer since %s: rounds wait on this host, %s so far", w.when(since), report.Size(bytes))
	}
	w.drainUnderWay = true
	w.apart(func() func() {
		err := site.Caught(func() error { return w.spool.Drain(w.work) })
		return func() { w.drainEnded(err) }
	})
}

// drainEnded notes the outcome of a drain.
func (w *Watch) drainEnded(err error) {
	now := w.clock.read()
	w.drainUnderWay = false
	if err != nil {
		w.drainRetry.fail(now, storePause)
		w.storeFailures++
		if code, _ := outcome.Classify(err); code != w.drainCode {
			w.drainCode = code
			w.tell(Problem, kindAway, "what waits on this host cannot be stored yet: %v. It is tried again, after %s at most. %s", err, retention.FormatDuration(storePause), hintOf(err))
		}
		return
	}
	w.drainCode = 0
	w.drainRetry.reset()
	if w.spooled() == 0 {
		w.tell(Fact, kindBack, "the store answers again: what has waited on this host since %s is stored", w.when(w.spooling))
		w.spooling = time.Time{}
		w.confirmation.hurry()
	}
}
