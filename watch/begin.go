package watch

import (
	"context"
	"errors"
	"time"

	"firn/outcome"
	"firn/repo"
	"firn/session"
)

// Begin opens a repository with the given function, and tries again with pauses as long as time may mend the error. It returns the
// error that no time mends, or the cause of the context's end. With once it does not try again.
func Begin(ctx context.Context, c *session.Caller, once bool, open func(context.Context) error, told func(Event)) error {
	n := newNotifier(c)
	clock := newClock(c.Now)
	var pause backoff
	for said := 0; ; {
		err := open(ctx)
		if err == nil || once || ctx.Err() != nil || !Mends(err) && !n.mayMount(err) {
			return err
		}
		code, _ := outcome.Classify(err)
		if code != said {
			told(Event{clock.wall(), Problem, kindAway, "", "the repository cannot be opened: " + err.Error() + ". It is tried again, at least every 30 s. " + hintOf(err)})
			said = code
		}
		n.waiting("the repository cannot be opened yet")
		pause.fail(clock.read(), storePause)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pause.pause):
		}
	}
}

// mayMount reports whether a place without a repository may get one without a person: a service may start before the disk of its
// repository is mounted. A person on a terminal has most likely mistyped the place.
func (n *notifier) mayMount(err error) bool { return n != nil && errors.Is(err, repo.ErrNotRepository) }
