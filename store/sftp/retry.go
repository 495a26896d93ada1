package sftp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"

	"firn/ssh"
	"firn/store"
)

const (
	defaultPatience = 2 * time.Minute
	// firstPatience is the patience before the server has ever answered: the address is then probably wrong, and a user is
	// waiting for the message.
	firstPatience = 8 * time.Second
	// personsPatience is the patience with errors that a person has to repair. A host that is restarting may refuse a login
	// for a moment.
	personsPatience = time.Second
	// callWait is how long a call may take, from its first request to its last answer. It ends calls of a server that goes
	// on and on.
	callWait = time.Hour
)

// lost marks the error of a connection that was lost, or that could not be made.
type lost struct{ error }

// Unwrap returns the marked error.
func (l lost) Unwrap() error { return l.error }

// call calls a function with the connection. If the connection is lost, call connects again after growing pauses and calls
// the function again, for as long as patience lasts. The error is explained.
func (s *Store) call(ctx context.Context, ask func(n *session) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	pauses := &backoff.ExponentialBackOff{
		InitialInterval:     100 * time.Millisecond,
		RandomizationFactor: 0.5, // hosts that lost their connections together must not come back together
		Multiplier:          2,
		MaxInterval:         10 * time.Second,
	}
	var failing time.Time // since when
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := s.once(ctx, ask)
		if err != nil && failing.IsZero() { // counted from the first error: a long upload that breaks off at its end is worth another try
			failing = time.Now()
		}
		if err != nil && (ctx.Err() != nil || !s.mayPass(err, time.Since(failing))) {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(pauses), backoff.WithMaxElapsedTime(0)) // the function above decides for how long
	if cause := ctx.Err(); err != nil && cause != nil {
		return cause
	}
	return explain(err)
}

// once calls a function with the connection.
func (s *Store) once(outer context.Context, ask func(n *session) error) error {
	ctx, cancel := context.WithTimeout(outer, callWait)
	defer cancel()
	n, err := s.session(ctx)
	if err != nil {
		return err
	}
	err = n.await(ctx, func() error { return ask(n) })
	if err == nil || n.isAnswer(err) {
		return err
	}
	if ctx.Err() != nil && outer.Err() == nil {
		return fmt.Errorf("%w: no end after %s", store.ErrUnreachable, callWait)
	}
	return lost{n.explain(err)}
}

// mayPass reports whether another try may succeed, after calls have failed for some time.
func (s *Store) mayPass(err error, failing time.Duration) bool {
	if _, ok := errors.AsType[lost](err); !ok {
		return false
	}
	patience := s.opts.Patience
	if patience == 0 {
		patience = defaultPatience
	}
	switch {
	case errors.Is(err, ssh.ErrNoProgram), errors.Is(err, ssh.ErrHostKey), errors.Is(err, ssh.ErrUnknownHost):
		return false
	case isPersons(err):
		patience = min(patience, personsPatience)
	case !s.answered.Load() && errors.Is(err, ssh.ErrSilent):
		return false // the silence was long enough
	case !s.answered.Load():
		patience = min(patience, firstPatience)
	}
	return failing <= patience
}

// explain turns the error of a lost connection into one of package store, unless a person has to repair something first.
func explain(err error) error {
	l, ok := errors.AsType[lost](err)
	if !ok {
		return err
	}
	if isPersons(l.error) {
		return l.error
	}
	return fmt.Errorf("%w: %w", store.ErrUnreachable, l.error)
}
