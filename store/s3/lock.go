package s3

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/minio/minio-go/v7"
	"golang.org/x/sync/errgroup"
)

// lockWorkers is the number of simultaneous requests that extend locks.
const lockWorkers = 8

// LockDuration returns how long objects are locked when they are written. Zero
// means that they are not locked.
func (s *Store) LockDuration() time.Duration { return s.opts.Lock }

// Lock renews the locks of objects: each is then locked for [Store.LockDuration]
// from now on. It takes a request for each object, because S3 has none for many.
func (s *Store) Lock(ctx context.Context, names ...string) error {
	if err := s.check(ctx, names...); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	if s.opts.Lock == 0 {
		return nil
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(lockWorkers)
	for _, name := range names {
		group.Go(func() error {
			if err := s.lock(ctx, name); err != nil {
				return fmt.Errorf("lock %s in %s: %w", name, s.name(), err)
			}
			return nil
		})
	}
	return group.Wait()
}

func (s *Store) lock(ctx context.Context, name string) error {
	mode, until := s.lockMode(), s.lockedUntil()
	_, err := retry(ctx, s, func() (none, error) {
		err := s.core.PutObjectRetention(ctx, s.bucket, s.key(name),
			minio.PutObjectRetentionOptions{Mode: &mode, RetainUntilDate: &until})
		// For an object that was deleted, some servers answer that its deletion
		// mark cannot be locked.
		if saysMissing(err) || isStatus(err, http.StatusMethodNotAllowed) && s.isDeleted(ctx, name) {
			return none{}, nil // deleted meanwhile
		}
		return none{}, err
	})
	return err
}

func (s *Store) isDeleted(ctx context.Context, name string) bool {
	_, err := s.stat(ctx, name)
	return isMissing(err)
}

func (s *Store) lockMode() minio.RetentionMode {
	if s.opts.LockMode == Governance {
		return minio.Governance
	}
	return minio.Compliance
}

// lockedUntil is in whole seconds, as the protocol requires.
func (s *Store) lockedUntil() time.Time {
	return time.Now().Add(s.opts.Lock).UTC().Truncate(time.Second)
}
