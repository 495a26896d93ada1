// Package behind goes on to accept puts while a store is away. Objects that the store does not take wait in a spool, a
// bounded private folder of this host, and are put into the store in their order when it is back.
//
// An object is in the store, or on this host's disk, before its Put returns nil. Objects are write-once and sealed, so
// the spool needs no keys, and an object that is put twice does no harm.
package behind

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"firn/store"
)

// DefaultPatience is the default of [Options.Patience].
const DefaultPatience = 10 * time.Second

// ErrInUse is returned by [Open] if another process, or another Store of this process, has the spool open.
var ErrInUse = errors.New("another process uses the spool")

// Options are the choices of [Open]. The zero value is the default.
type Options struct {
	// Patience is for how long Put waits for the store before the object goes into the spool. 0 is for
	// [DefaultPatience].
	Patience time.Duration

	// Warn is called when the store turns out to be away, and for each object that is lost. Any goroutine may call it,
	// with a lock held, so it must not use the Store or wait for a goroutine that does. nil is for no warnings.
	Warn func(format string, args ...any)
}

// Store is a [store.Store] before another one. Make one with [Open].
//
// It keeps the promises of the store behind it, with these differences while objects wait:
//
//   - Put does not ask the store whether the name exists. It returns fs.ErrExist for the name of a waiting object only.
//     [Store.Drain] finds an object of another writer, and stops there.
//   - The time of a waiting object is by this host's clock.
//   - Other hosts see a waiting object when it has been drained.
//
// A Put that begins after another one has returned nil reaches the store after it.
type Store struct {
	of       store.Store
	spool    *spool
	folder   interface{ Close() error }
	patience time.Duration
	warn     func(format string, args ...any)
	draining chan struct{} // holds one token while a drain is under way

	mu    sync.Mutex
	cause error // why the store last took no object
}

var (
	_ store.Store   = (*Store)(nil)
	_ store.Locker  = (*Store)(nil)
	_ store.Cleaner = (*Store)(nil)
)

// Open opens the spool in the folder dir, of at most limit bytes, before a store. A missing folder is made. A folder that
// other users can write is refused, as host.MakePrivateFolder says. The error matches [ErrInUse] if the folder is in use.
//
// Open finds the objects that an earlier process has left, and reads all of them. Damaged files get names that end
// in ".damaged", are told to [Options.Warn] and by [Store.Damaged], and count towards the limit until a person has removed
// them before an Open. Open does not use the store. The caller closes the Store; the store behind it stays open.
func Open(dir string, of store.Store, limit int64, opts Options) (*Store, error) {
	s, err := open(dir, of, limit, opts)
	if err != nil {
		return nil, fmt.Errorf("open the spool %s: %w", dir, err)
	}
	return s, nil
}

func open(dir string, of store.Store, limit int64, opts Options) (*Store, error) {
	if limit <= 0 || opts.Patience < 0 {
		return nil, fmt.Errorf("a limit of %d bytes and a patience of %s make no sense", limit, opts.Patience)
	}
	dir, err := filepath.Abs(dir) // the working directory may change
	if err != nil {
		return nil, err
	}
	f, err := openFolder(dir)
	if err != nil {
		return nil, err
	}
	s, err := newStore(f, dir, of, limit, opts)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	s.folder = f
	return s, nil
}

// newStore opens the spool in a folder that is open.
func newStore(f files, dir string, of store.Store, limit int64, opts Options) (*Store, error) {
	s := &Store{of: of, patience: opts.Patience, warn: opts.Warn, draining: make(chan struct{}, 1)}
	if s.patience == 0 {
		s.patience = DefaultPatience
	}
	if s.warn == nil {
		s.warn = func(string, ...any) {}
	}
	spool, err := openSpool(f, dir, limit, s.warn)
	s.spool = spool
	return s, err
}

// Close ends the use of the spool. What waits stays on the disk, for the next Open. It waits for a drain under way, so
// the caller ends the drain's context first. The Store must not be used afterwards, but Close may be called again.
func (s *Store) Close() error {
	s.draining <- struct{}{}
	defer func() { <-s.draining }()
	s.spool.changing.Lock()
	defer s.spool.changing.Unlock()
	if s.spool.closed {
		return nil
	}
	s.spool.closed = true
	err := s.spool.settle()
	if s.folder != nil {
		err = errors.Join(err, s.folder.Close())
	}
	if err != nil {
		return fmt.Errorf("close the spool: %w", err)
	}
	return nil
}

// Waiting returns the number of objects that wait, the sum of their sizes, and the time since which the first of them
// waits, by this host's clock. If none waits, that is the zero time.
func (s *Store) Waiting() (objects int, bytes int64, since time.Time) { return s.spool.sum() }

// Damaged returns the paths of the damaged files that are kept in the folder. Their objects are missing in the store.
// The caller owns the slice.
func (s *Store) Damaged() []string {
	s.spool.changing.Lock()
	defer s.spool.changing.Unlock()
	return append([]string(nil), s.spool.aside...)
}

// check is called first by the methods of a store.
func check(ctx context.Context, names ...string) error {
	for _, name := range names {
		if err := store.CheckName(name); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// away notes why the store has taken no object, for the message of a full spool.
func (s *Store) away(cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cause = cause
}

// whyAway returns the last reason. After Open it is not known yet.
func (s *Store) whyAway() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cause == nil {
		return errors.New("objects of an earlier process wait for it")
	}
	return s.cause
}
