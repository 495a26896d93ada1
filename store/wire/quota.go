package wire

import (
	"context"
	"fmt"
	"sync"

	"firn/store"
)

// Quota is a limit for the bytes of a store. It may be shared by several handlers. Another process can write to the same
// place, so the bytes are counted again from time to time: together, n processes exceed the limit by n/64 of it at most, or
// by n times 64 MiB.
type Quota struct {
	most  int64
	count func(context.Context) (int64, error)

	mu      sync.Mutex
	known   bool  // used is counted
	used    int64 // bytes, those that are being written included
	writing int64 // bytes that are being written
	since   int64 // bytes since the last count
}

// NewQuota returns a limit in bytes. The function counts the bytes that are there.
func NewQuota(most int64, count func(context.Context) (int64, error)) *Quota {
	return &Quota{most: most, count: count}
}

// Charge returns how many bytes an object of n bytes counts for: a block of a disk at least, so that a quota limits the number
// of objects, too.
func Charge(n int64) int64 { return max(n, 4<<10) }

// Allow returns an error that matches [store.ErrNoSpace] if there is no room for so many empty objects or folders. A nil
// Quota has room for all.
func (q *Quota) Allow(ctx context.Context, count int64) error {
	if q == nil {
		return nil
	}
	done, err := q.take(ctx, count*Charge(0))
	if err == nil {
		done(true)
	}
	return err
}

// recountAfter is how many bytes may be written, as a part of the limit, before they are counted again.
func (q *Quota) recountAfter() int64 { return max(q.most/64, 64<<20) }

// take reserves room for n bytes. The error matches [store.ErrNoSpace] if there is none. The caller calls done afterwards.
func (q *Quota) take(ctx context.Context, n int64) (done func(written bool), err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.known || q.since > q.recountAfter() || q.since > 0 && n > q.most-q.used {
		if err := q.recount(ctx); err != nil {
			return nil, err
		}
	}
	if n > q.most-q.used {
		return nil, fmt.Errorf("%w: the quota of %d bytes is reached, %d are in use", store.ErrNoSpace, q.most, q.used)
	}
	q.used, q.writing, q.since = q.used+n, q.writing+n, q.since+n
	return func(written bool) { q.done(n, written) }, nil
}

func (q *Quota) recount(ctx context.Context) error {
	used, err := q.count(ctx)
	if err != nil {
		return fmt.Errorf("count the bytes for the quota: %w", err)
	}
	q.known, q.used, q.since = true, used+q.writing, 0
	return nil
}

func (q *Quota) done(n int64, written bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.writing -= n
	if !written {
		q.used -= n
	}
}

// forget makes the next call count again: objects were deleted.
func (q *Quota) forget() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.known = false
}

// left returns how many bytes may still be written.
func (q *Quota) left(ctx context.Context) (int64, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.recount(ctx); err != nil {
		return 0, err
	}
	return max(0, q.most-q.used), nil
}
