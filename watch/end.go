package watch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"firn/report"
)

// EndLimit is how long the end of a watch may take, whatever hangs. Init systems and people wait for it; systemd kills after 90 s,
// and other supervisors after 10.
const EndLimit = 4500 * time.Millisecond

// errHangs is the cause of an end that took too long.
var errHangs = errors.New("something does not answer")

// end takes a last round, confirms it, and lets go of all databases, within [EndLimit]. A watch that runs once has no limit.
func (w *Watch) end() error {
	w.notifier.stopping()
	if !w.options.Once {
		w.tell(Fact, kindStop, "ending: a last round is taken")
	}
	var limit <-chan time.Time
	if !w.options.Once {
		limit = time.After(EndLimit)
	}
	if err := w.await(limit, w.idle); err != nil {
		return w.unstored(err)
	}
	if w.rounds == nil {
		return w.ending(limit, w.away.err)
	}
	w.away.next = 0
	w.hurry()
	err := w.lookAgain(limit)
	if err == nil {
		w.beginRound(w.clock.read())
		err = w.await(limit, w.idle)
	}
	if err == nil && w.spooled() > 0 {
		err = w.drainLast(limit)
	}
	if err == nil && w.away.err == nil {
		w.confirmation.hurry()
		w.confirmRounds(w.clock.read())
		err = w.await(limit, w.idle)
	}
	if err == nil {
		err = w.away.err
	}
	return w.ending(limit, err)
}

// lookAgain makes databases due that may be well again: a file that was replaced is away for a moment, and the pause after that
// must not keep it from the last round. Those that are not open are opened, for which it waits as long as a round waits for a look: a
// watch may have to end just after it has begun. It tells which databases are not open in time.
func (w *Watch) lookAgain(limit <-chan time.Time) error {
	began := w.clock.read()
	for _, d := range w.databases {
		if d.state.passing() {
			d.retry.hurry()
		}
	}
	w.openAll(began)
	err := w.await(limit, func() bool {
		return w.clock.read().since-began.since >= patience || !slices.ContainsFunc(w.databases, (*database).isOpening)
	})
	for _, d := range w.databases {
		if err == nil && d.isOpening() && d.state == Opening {
			w.tellOf(d, Problem, kindStop, "the last round is without it: %s could not be opened in time", d.env.Database)
		}
	}
	return err
}

// isOpening reports whether a database is being opened, which may be too late for the last round.
func (d *database) isOpening() bool {
	return (d.state == Opening || d.state.passing()) && d.follower == nil && d.call != nil
}

// drainLast tries once more to store what waits on this host, even if the next try was not due: no command but another watch does
// it later. It returns an error if something still waits.
func (w *Watch) drainLast(limit <-chan time.Time) error {
	rests := func() bool { return !w.drainUnderWay }
	if err := w.await(limit, rests); err != nil {
		return err
	}
	w.drained.hurry()
	w.drainRetry.reset()
	w.drain(w.clock.read())
	if err := w.await(limit, rests); err != nil {
		return err
	}
	if n := w.spooled(); n > 0 {
		return fmt.Errorf("the store does not answer; what waits on this host is stored by the next watch: %s", report.Plural(n, "object"))
	}
	return nil
}

// idle reports whether no round and no job of the rounds is under way.
func (w *Watch) idle() bool { return w.round == nil && !w.engineBusy }

// await keeps the loop going until something is so. It returns an error at the limit.
func (w *Watch) await(limit <-chan time.Time, so func() bool) error {
	ticks := time.NewTicker(tick)
	defer ticks.Stop()
	for !so() {
		select {
		case <-limit:
			return errHangs
		case after := <-w.posts:
			after()
			w.advanceRound(w.clock.read())
		case <-ticks.C:
			now := w.clock.read()
			w.giveUpCalls(now)
			w.advanceRound(now)
		}
	}
	return nil
}

// closeLimit is how long the databases may take to be closed. A connection that is not closed leaves no more than a -wal file.
const closeLimit = 300 * time.Millisecond

// ending lets go of the databases, as far as they answer.
func (w *Watch) ending(limit <-chan time.Time, why error) error {
	w.stating.hurry()
	w.metricsDue.hurry()
	w.reportState(w.clock.read())
	for _, d := range w.databases {
		w.close(d)
	}
	if !w.options.Once {
		limit = time.After(closeLimit)
	}
	_ = w.await(limit, w.closed) // a file system that hangs is no news now
	if err := w.closeReport(); err != nil {
		w.tell(Detail, kindMonitor, "the state file could not be removed: %v", err)
	}
	if why == nil || errors.Is(why, context.Canceled) {
		return nil
	}
	return w.unstored(why)
}

// closed reports whether no call is under way.
func (w *Watch) closed() bool {
	return !w.reporting && !slices.ContainsFunc(w.databases, func(d *database) bool { return d.call != nil })
}
