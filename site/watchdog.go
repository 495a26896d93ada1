package site

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"firn/outcome"
)

// watchdog makes calls that may hang in the system forever. A call that waits for a lost file server does, and no signal
// ends it. The watchdog gives such a call up: it returns an error and leaves the call in its goroutine until the process
// ends.
type watchdog struct {
	ctx     context.Context // of the image, since Read has no context of its own
	alive   atomic.Int64    // grows with the progress of a call
	Silence time.Duration   // the longest time that a call may take without progress; 0 for no limit
	grace   time.Duration   // the time for a call to end by itself after the end of ctx, as most calls do
	gone    chan struct{}   // closed when a call was given up
	err     error           // why a call was given up; then further calls return this error at once
}

const (
	// StuckSilence is the usual limit of the time that a call may take without progress.
	StuckSilence = 10 * time.Minute

	stuckGrace = 3 * time.Second
)

// NewWatchdog returns a watchdog that gives a call up after a time without progress, or a few seconds after the end of the
// context. With 0 it waits for progress without a limit. A watchdog is for one goroutine at a time.
func NewWatchdog(ctx context.Context, silence time.Duration) *watchdog {
	return &watchdog{ctx: ctx, Silence: silence, grace: stuckGrace, gone: make(chan struct{})}
}

// Call calls f and returns its error. If f hangs, Call returns an error without it: [outcome.ErrStuck], or the cause of the
// context's end. A panic of f is an error. If that f returns after all, late is called in its goroutine.
func (w *watchdog) Call(f func() error, late func()) error {
	if w.err != nil {
		return w.err
	}
	done := make(chan error)
	go func() {
		err := Caught(f)
		select {
		case done <- err:
		case <-w.gone:
			late()
		}
	}()
	return w.wait(done)
}

// wait returns the error of a call, or gives the call up.
func (w *watchdog) wait(done <-chan error) error {
	silence := make(<-chan time.Time)
	if w.Silence > 0 {
		silence = time.After(w.Silence)
	}
	var grace <-chan time.Time
	for stopped, seen := w.ctx.Done(), w.alive.Load(); ; {
		select {
		case err := <-done:
			return err
		case <-stopped:
			stopped, grace = nil, time.After(w.grace)
		case <-grace:
			return w.giveUp(context.Cause(w.ctx))
		case <-silence:
			now := w.alive.Load()
			if now == seen {
				return w.giveUp(fmt.Errorf("%w for %v", outcome.ErrStuck, w.Silence))
			}
			seen, silence = now, time.After(w.Silence)
		}
	}
}

// giveUp leaves the present call behind and makes further calls return the error.
func (w *watchdog) giveUp(err error) error {
	w.err = err
	close(w.gone)
	return err
}

// beat records progress of a call.
func (w *watchdog) beat() { w.alive.Add(1) }

// Nothing does nothing. It is the late function of calls that leave nothing to close.
func Nothing() {}
