package site

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"firn/outcome"
	"firn/repo"
	"firn/snapshot"
	"firn/sqlite"
)

// watchdog makes calls that may hang in the system for ever, as those do that wait for a file server which is gone: no
// signal ends them. It gives such a call up, and leaves it behind in its goroutine until the process ends.
type watchdog struct {
	ctx     context.Context // of the image: a Read is given none
	alive   atomic.Int64    // grows as a call gets on
	Silence time.Duration   // a call may go on for so long without getting on; 0 for ever
	grace   time.Duration   // and for so long after ctx has ended, which is when most end by themselves
	gone    chan struct{}   // closed when a call was given up
	err     error           // why; no further call is made then
}

const (
	// StuckSilence is the usual time for which a call may go on without getting on.
	StuckSilence = 10 * time.Minute

	stuckGrace = 3 * time.Second
)

// NewWatchdog returns a watchdog for calls that may go on for so long without getting on, 0 for ever.
func NewWatchdog(ctx context.Context, silence time.Duration) *watchdog {
	return &watchdog{ctx: ctx, Silence: silence, grace: stuckGrace, gone: make(chan struct{})}
}

// Call runs f, and gives it up when it hangs. Then late runs once f returns after all, if it ever does.
func (w *watchdog) Call(f func() error, late func()) error {
	if w.err != nil {
		return w.err
	}
	done := make(chan error)
	go func() {
		err := f()
		select {
		case done <- err:
		case <-w.gone:
			late()
		}
	}()
	return w.wait(done)
}

// wait returns what comes of a call.
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

func (w *watchdog) giveUp(err error) error {
	w.err = err
	close(w.gone)
	return err
}

// beat notes that a call gets on.
func (w *watchdog) beat() { w.alive.Add(1) }

// Nothing is what has to be done for most calls that come back late.
func Nothing() {}

// watchedImage is an image whose source may hang. After that has happened nothing is asked of it any more, since the
// call that hangs may be using it.
type watchedImage struct {
	*image
	dog *watchdog
}

var (
	_ repo.SparseImage = (*watchedImage)(nil)
	_ repo.LiveImage   = (*watchedImage)(nil)
)

// WatchedSource is [Source] under a watchdog.
func WatchedSource(silence time.Duration, path string, opts sqlite.Options) repo.Source {
	return func(ctx context.Context) (repo.SourceImage, error) {
		w := &watchedImage{dog: NewWatchdog(ctx, silence)}
		if opts.Compact { // one call, of which nothing is heard for as long as it takes
			w.dog.Silence = 0
		}
		opts.Alive = w.dog.beat
		var i repo.SourceImage
		err := w.dog.Call(func() (err error) { i, err = Source(path, opts)(ctx); return err }, func() {
			if i != nil {
				i.Close()
			}
		})
		if err != nil {
			return nil, StuckSource(err)
		}
		w.image = i.(*image)
		return w, nil
	}
}

// StuckSource makes the error of a call that was given up one of the source.
func StuckSource(err error) error {
	if errors.Is(err, outcome.ErrStuck) {
		return outcome.OfSource(err)
	}
	return err
}

// Read may leave its buffer to a call that hangs: after an error the caller must not use it for anything else.
func (w *watchedImage) Read(p []byte) (n int, err error) {
	var k int
	err = w.dog.Call(func() (err error) { k, err = w.image.Read(p); return err }, Nothing)
	if w.dog.err != nil {
		return 0, StuckSource(err)
	}
	return k, err
}

// Skip passes over bytes.
func (w *watchedImage) Skip(n int64) error {
	return StuckSource(w.dog.Call(func() error { return w.image.Skip(n) }, Nothing))
}

// Changed says what has to be read, and that all has if it cannot find out.
func (w *watchedImage) Changed(since *snapshot.Snapshot) (ranges [][2]int64, known bool) {
	type answer struct {
		ranges [][2]int64
		known  bool
	}
	answers := make(chan answer, 1)
	err := w.dog.Call(func() error {
		ranges, known := w.image.Changed(since)
		answers <- answer{ranges, known}
		return nil
	}, Nothing)
	if err != nil {
		return nil, false
	}
	a := <-answers
	return a.ranges, a.known
}

// Live reports whether the image keeps others from something.
func (w *watchedImage) Live() bool { return w.dog.err == nil && w.image.Live() }

// Close closes the image, if nothing hangs.
func (w *watchedImage) Close() error { return w.dog.Call(w.image.Close, Nothing) }
