package behind

import (
	"context"
	"fmt"
	"time"

	"firn/store"
)

// Delete removes waiting objects from the spool, and others from the store. It does not need the store for an object that
// was never sent there. An object that is being put is deleted when the store has answered. After an error any subset may
// be gone.
func (s *Store) Delete(ctx context.Context, names ...string) error {
	if err := check(ctx, names...); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	rest := make([]string, 0, len(names))
	for _, name := range names {
		sent, err := s.spool.delete(ctx, name)
		if err != nil {
			return fmt.Errorf("delete: %w", err)
		}
		if sent {
			rest = append(rest, name)
		}
	}
	// Also for the files that a drain has removed without a sync. One that came back after a power cut would be put, and
	// the object would be there again.
	if err := s.spool.sync(); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	if len(rest) == 0 {
		return nil
	}
	return s.of.Delete(ctx, rest...)
}

// delete removes an object, and reports whether it may be in the store. The removal is durable after the next settle.
func (s *spool) delete(ctx context.Context, name string) (sent bool, err error) {
	for {
		e, sent, err := s.deleteIdle(name)
		if e == nil || err != nil {
			return sent, err
		}
		if err := wait(ctx, s.underWay(e)); err != nil {
			return true, err
		}
	}
}

// deleteIdle is delete for an object that no put to the store is about; it returns the entry of another one.
func (s *spool) deleteIdle(name string) (busy *entry, sent bool, err error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	e := s.find(name)
	switch {
	case e == nil:
		return nil, true, nil
	case e.busy():
		return e, true, nil
	}
	return nil, e.tried, s.discard(e)
}

// LockDuration returns how long the store locks objects. Zero means that it locks none.
func (s *Store) LockDuration() time.Duration {
	if locker, ok := s.of.(store.Locker); ok {
		return locker.LockDuration()
	}
	return 0
}

// Lock renews locks in the store. The lock of a waiting object begins when it is put there.
func (s *Store) Lock(ctx context.Context, names ...string) error {
	if locker, ok := s.of.(store.Locker); ok {
		return locker.Lock(ctx, names...) // a missing object is no error
	}
	return nil
}

// Clean removes temporary files in the store. Those of the spool are removed by [Open].
func (s *Store) Clean(ctx context.Context, olderThan time.Time) (int, error) {
	if cleaner, ok := s.of.(store.Cleaner); ok {
		return cleaner.Clean(ctx, olderThan)
	}
	return 0, nil
}
