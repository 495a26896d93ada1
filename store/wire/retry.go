package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/cenkalti/backoff/v5"

	"firn/store"
)

// retry calls ask again, after growing pauses, as long as it fails for reasons that may pass.
func (s *Store) retry(ctx context.Context, ask func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	pauses := &backoff.ExponentialBackOff{
		InitialInterval:     100 * time.Millisecond,
		RandomizationFactor: 0.5, // hosts that were refused together must not retry together
		Multiplier:          2,
		MaxInterval:         10 * time.Second,
	}
	var failing time.Time // since when
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := ask()
		if err != nil && failing.IsZero() { // counted from the first error: a long upload that breaks off at its end is worth another try
			failing = time.Now()
		}
		if err != nil && (ctx.Err() != nil || !isPassing(err) || time.Since(failing) > s.patience()) {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(pauses), backoff.WithMaxElapsedTime(0)) // the function above decides for how long
	if cause := ctx.Err(); err != nil && cause != nil {
		return cause
	}
	return explain(err)
}

// patience returns how long a request is repeated.
func (s *Store) patience() time.Duration {
	patience := s.opts.Patience
	if patience == 0 {
		patience = defaultPatience
	}
	if !s.answered.Load() {
		return min(patience, firstPatience)
	}
	return patience
}

// isPassing reports whether another try may succeed.
func isPassing(err error) bool {
	for _, passing := range []error{ErrBusy, errChecksum, errCut, store.ErrUnreachable} {
		if errors.Is(err, passing) {
			return true
		}
	}
	return false
}

// explain returns the error that remains. An error of the connection does not match those that are about objects.
func explain(err error) error {
	if _, told := errors.AsType[*toldError](err); err == nil || told && !isPassing(err) || errors.Is(err, store.ErrUnreachable) || errors.Is(err, ErrAnswer) {
		return err
	}
	for _, other := range []error{io.ErrUnexpectedEOF, fs.ErrExist, fs.ErrNotExist} {
		if errors.Is(err, other) {
			return fmt.Errorf("%w: %v", store.ErrUnreachable, err)
		}
	}
	return fmt.Errorf("%w: %w", store.ErrUnreachable, err)
}
