package s3

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/minio/minio-go/v7"
)

// none is the result of what has none.
type none = struct{}

// retryable marks an error after which the same is worth another try.
type retryable struct{ error }

// Unwrap returns the error that is marked.
func (r retryable) Unwrap() error { return r.error }

// retry repeats what fails for reasons that pass, with growing pauses, and
// explains the error that remains.
func retry[T any](ctx context.Context, s *Store, ask func() (T, error)) (T, error) {
	if err := ctx.Err(); err != nil {
		var zero T
		return zero, err
	}
	pauses := &backoff.ExponentialBackOff{
		InitialInterval:     100 * time.Millisecond,
		RandomizationFactor: 0.5, // so that hosts that were refused together do not come back together
		Multiplier:          2,
		MaxInterval:         10 * time.Second,
	}
	var failing time.Time // since when
	result, err := backoff.Retry(ctx, func() (T, error) {
		result, err := ask()
		if err == nil || isAnswer(err) {
			s.traffic.answered.Store(true)
		}
		if err != nil && failing.IsZero() { // not since the start: a long upload that breaks off at its end is worth another
			failing = time.Now()
		}
		if err != nil && (ctx.Err() != nil || !isPassing(err) || time.Since(failing) > s.patience()) {
			err = backoff.Permanent(err)
		}
		return result, err
	}, backoff.WithBackOff(pauses), backoff.WithMaxElapsedTime(0)) // for how long, is decided here
	if cause := ctx.Err(); err != nil && cause != nil {
		return result, cause
	}
	return result, explain(err)
}

// patience is for how long a request is repeated.
func (s *Store) patience() time.Duration {
	patience := s.opts.Patience
	if patience == 0 {
		patience = defaultPatience
	}
	if !s.traffic.answered.Load() {
		return min(patience, firstPatience)
	}
	return patience
}

// isAnswer reports whether an error is what an S3 server has said.
func isAnswer(err error) bool {
	var answer minio.ErrorResponse
	return errors.As(err, &answer) && answer.StatusCode != 0
}

// isPassing reports whether an error may be gone at the next try. Servers' words
// are judged by their status and code; all else comes from the network, where
// only what the certificate or the protocol says stays as it is.
func isPassing(err error) bool {
	var again retryable
	if errors.As(err, &again) {
		return true
	}
	if isOurs(err) {
		return false
	}
	var answer minio.ErrorResponse
	if errors.As(err, &answer) {
		return isPassingStatus(answer.StatusCode) || isPassingCode(answer.Code) || isForeign(err)
	}
	return !isFinal(err)
}

func isPassingStatus(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests,
		http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
		499, 520: // what nginx and Cloudflare say of a connection that broke
		return true
	}
	return false
}

// isPassingCode judges where the status says too little: it is missing for the
// single objects of a deletion, and the same for good and for bad in others.
func isPassingCode(code string) bool {
	switch code {
	case "InternalError", "SlowDown", "SlowDownRead", "SlowDownWrite", "ServiceUnavailable", "RequestTimeout",
		"Throttling", "ThrottlingException", "RequestLimitExceeded", "RequestThrottled", "RequestError",
		"ConditionalRequestConflict", "OperationAborted", // another writer is at the same key
		"ExistingObjectIsDirectory", "ObjectParentIsFile": // versitygw, while somebody deletes the last object of a folder
		return true
	}
	return false
}
