package s3

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/minio/minio-go/v7"
)

// none is the result type of functions that have no result.
type none = struct{}

// retryable marks an error after which the same request is worth another try.
type retryable struct{ error }

// Unwrap returns the marked error.
func (r retryable) Unwrap() error { return r.error }

// retry calls ask again, after growing pauses, as long as it fails for reasons
// that may pass. It explains the error that remains.
func retry[T any](ctx context.Context, s *Store, ask func() (T, error)) (T, error) {
	if err := ctx.Err(); err != nil {
		var zero T
		return zero, err
	}
	pauses := &backoff.ExponentialBackOff{
		InitialInterval:     100 * time.Millisecond,
		RandomizationFactor: 0.5, // hosts that were refused together must not retry together
		Multiplier:          2,
		MaxInterval:         10 * time.Second,
	}
	var failing time.Time // since when
	result, err := backoff.Retry(ctx, func() (T, error) {
		result, err := ask()
		if err == nil || isAnswer(err) {
			s.traffic.answered.Store(true)
		}
		if err != nil && failing.IsZero() { // counted from the first error: a long upload that breaks off at its end is worth another try
			failing = time.Now()
		}
		if err != nil && (ctx.Err() != nil || !isPassing(err) || time.Since(failing) > s.patience()) {
			err = backoff.Permanent(err)
		}
		return result, err
	}, backoff.WithBackOff(pauses), backoff.WithMaxElapsedTime(0)) // the function above decides for how long
	if cause := ctx.Err(); err != nil && cause != nil {
		return result, cause
	}
	return result, explain(err)
}

// patience returns how long a request is repeated.
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

// isAnswer reports whether an error is the answer of an S3 server.
func isAnswer(err error) bool {
	var answer minio.ErrorResponse
	return errors.As(err, &answer) && answer.StatusCode != 0
}

// isPassing reports whether another try may succeed. It judges an answer of a
// server by its status and code. All other errors come from the network, and
// only those about the certificate or the protocol are lasting.
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
		499, 520: // the answers of nginx and Cloudflare for a broken connection
		return true
	}
	return false
}

// isPassingCode judges by the code, for answers whose status says too little:
// the single results of a deletion have none, and some statuses stand for both
// passing and lasting errors.
func isPassingCode(code string) bool {
	switch code {
	case "InternalError", "SlowDown", "SlowDownRead", "SlowDownWrite", "ServiceUnavailable", "RequestTimeout",
		"Throttling", "ThrottlingException", "RequestLimitExceeded", "RequestThrottled", "RequestError",
		"ConditionalRequestConflict", "OperationAborted", // another writer is at the same key
		"ExistingObjectIsDirectory", "ObjectParentIsFile": // versitygw, while another request deletes the last object of a folder
		return true
	}
	return false
}
