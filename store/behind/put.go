package behind

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"firn/store"
)

// errSlow is the reason for an object in the spool if the store has not answered in time.
var errSlow = errors.New("the store has not answered in time")

// Put puts the object into the store. If the store is away, or objects wait already, the object goes into the spool
// behind them, without a request to the store. When Put returns nil the object survives a power cut.
//
// The error matches [store.ErrNoSpace] if the store is away and the spool has no room either. Then what waits stays.
func (s *Store) Put(ctx context.Context, name string, data []byte) error {
	if err := check(ctx, name); err != nil {
		return fmt.Errorf("put: %w", err)
	}
	if s.spool.waits() { // an object must not overtake one that was put before: a snapshot relies on earlier objects
		return s.add(name, data, nil)
	}
	done, err := s.try(ctx, name, data)
	if err == nil || ctx.Err() != nil || !mayPass(err) {
		return err
	}
	s.away(err)
	return s.add(name, data, done)
}

// mayPass reports whether an object is to wait after an error of the store. All errors count that are not about the
// object itself: the network's, an answer of a captive portal, a certificate that has run out, credentials or a right
// that an administrator will give back, a full bucket, a disk that is not mounted. Local stores report many of these
// without an error to match. A wait costs little if nothing mends: the caller was warned, and Drain returns the error.
// A lost round cannot be had again.
func mayPass(err error) bool {
	return !errors.Is(err, fs.ErrExist) && !errors.Is(err, store.ErrTooLarge)
}

// try puts an object into the store, and gives up after the patience. done is closed when the store has ended the call.
//
// The end of ctx alone does not end the wait, because a call that is still at work when Put returns could make an object
// after the caller has cleaned up. Only the patience does.
func (s *Store) try(ctx context.Context, name string, data []byte) (done <-chan struct{}, err error) {
	inner, cancel := context.WithCancel(ctx)
	defer cancel() // a late answer changes nothing, so the store may stop its work
	result := make(chan error, 1)
	data = bytes.Clone(data) // the caller may change it while the store is late
	done = run(func() { result <- s.of.Put(inner, name, data) })
	timer := time.NewTimer(s.patience)
	defer timer.Stop()
	select {
	case err := <-result:
		<-done
		return done, err
	case <-timer.C:
	}
	if err := ctx.Err(); err != nil {
		return done, fmt.Errorf("put %s: %w", name, err)
	}
	return done, fmt.Errorf("put %s: %w", name, errSlow)
}

// run calls f in a goroutine, and returns a channel that is closed at its end.
func run(f func()) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	return done
}

// add puts an object into the spool. done is of the put to the store that has failed, nil for none.
func (s *Store) add(name string, data []byte, done <-chan struct{}) error {
	first := !s.spool.waits()
	err := s.spool.add(name, data, done)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("put %s: it waits in the spool: %w", name, err)
	}
	cause := s.whyAway()
	if err != nil {
		return fmt.Errorf("put %s: the store is away (%v), and %w", name, cause, err)
	}
	if first {
		s.warn("the store is away, objects wait in %s: %v", s.spool.dir, cause)
	}
	return nil
}
