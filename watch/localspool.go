package watch

import (
	"context"
	"sync/atomic"
	"time"

	"firn/session"
	"firn/store"
	"firn/store/behind"
)

// NewSpool puts a spool before the store of a session that was started and is not open yet: what cannot be stored while the
// store is away waits in it, on this host. Without a folder for it the watch does without, and the session warns of that. The
// caller closes the spool when the watch has ended.
func NewSpool(s *session.Session) *LocalSpool {
	w := &LocalSpool{}
	s.PutBefore(func(st store.Store) store.Store { return w.before(s, st) })
	return w
}

// LocalSpool is a [Spool] that takes up its work when a repository is opened.
type LocalSpool struct{ store atomic.Pointer[behind.Store] }

// before returns the store with the spool before it, or the store alone if the spool cannot be had.
func (w *LocalSpool) before(s *session.Session, st store.Store) store.Store {
	w.Close() // of an attempt to open the repository that has failed
	dir := s.SpoolDir()
	if dir == "" {
		return st
	}
	spool, err := behind.Open(dir, st, s.Conf.Watch.SpoolLimit(), behind.Options{Warn: s.Detail}) // the watch itself says that the store is away
	if err != nil {
		s.Warn("snapshots cannot wait on this host while the repository is away: %v", err)
		return st
	}
	for _, path := range spool.Damaged() {
		s.Warn("an object that waited on this host is damaged, and is not stored: it is kept as %s", path)
	}
	w.store.Store(spool)
	return spool
}

// Waiting returns how many objects wait, their bytes, and since when the oldest waits.
func (w *LocalSpool) Waiting() (objects int, bytes int64, since time.Time) {
	if spool := w.store.Load(); spool != nil {
		return spool.Waiting()
	}
	return 0, 0, time.Time{}
}

// Drain stores what waits, in its order.
func (w *LocalSpool) Drain(ctx context.Context) error {
	if spool := w.store.Load(); spool != nil {
		return spool.Drain(ctx)
	}
	return nil
}

// Close lets go of the folder. What waits is stored by the next watch.
func (w *LocalSpool) Close() {
	if spool := w.store.Swap(nil); spool != nil {
		_ = spool.Close() // what waits is on the disk
	}
}
