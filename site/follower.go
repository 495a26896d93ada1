package site

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"firn/outcome"
	"firn/repo"
	"firn/sqlite"
)

// Follower is a [sqlite.Follower] that works with the rights of the users who can change the database, and gives up calls
// that hang. All methods may be called by several goroutines.
type Follower struct {
	path    string
	silence time.Duration
	now     func() time.Time
	hold    atomic.Bool
	reading atomic.Bool // an image is open
	busy    atomic.Bool // a call is under way; after it was given up, until it returns
	follows atomic.Pointer[sqlite.Follower]

	mu    sync.Mutex // of the calls that use paths: one at a time
	place sync.Mutex // of the fields below; the close of an image, which is no such call, uses them too
	at    *Site      // of the held connection; nil while none is held
	inner string     // the path by which follows knows the database
}

// followTimeout is how long a follower waits for a lock. Other databases are in the same round and wait for it, and the next round
// tries again.
const followTimeout = time.Second

// NewFollower returns a follower of the database at a path. It touches no file. A call that makes no progress for the time of
// silence is given up with [outcome.ErrStuck]; 0 is no limit.
func NewFollower(path string, hold bool, silence time.Duration, now func() time.Time) *Follower {
	f := &Follower{path: path, silence: silence, now: now}
	f.hold.Store(hold)
	return f
}

// Peek is [sqlite.Follower.Peek]. It uses no path, so it needs no rights. It has no watchdog: without commits it only looks
// at memory.
func (f *Follower) Peek() error {
	follows := f.follows.Load()
	if follows == nil {
		return nil
	}
	if err := follows.Peek(); err != nil {
		return outcome.OfSource(err)
	}
	return nil
}

// Look is [sqlite.Follower.Look]. If the path leads to another folder than before, the database may have changed.
func (f *Follower) Look(ctx context.Context) (changed bool, err error) {
	if f.reading.Load() {
		return true, nil
	}
	answer := make(chan bool, 1)
	err = f.call(NewWatchdog(ctx, f.silence), func() error {
		return f.within(func(s *Site, follows *sqlite.Follower) error {
			return s.Do(func() error {
				changed, err := follows.Look(ctx)
				answer <- changed
				return err
			})
		})
	}, Nothing)
	if err != nil {
		return true, outcome.OfSource(err)
	}
	return <-answer, nil
}

// call makes a call that uses paths, unless an earlier one has been given up and has not returned.
func (f *Follower) call(dog *watchdog, do func() error, late func()) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.busy.CompareAndSwap(false, true) {
		return fmt.Errorf("%w: the call before has not returned", outcome.ErrStuck)
	}
	return dog.Call(func() error {
		defer f.busy.Store(false)
		return do()
	}, late)
}

// within calls a function with the site and the follower of the database.
func (f *Follower) within(do func(s *Site, follows *sqlite.Follower) error) error {
	s, follows, err := f.reach()
	if err != nil {
		return fmt.Errorf("open database %s: %w", f.path, err)
	}
	return errors.Join(do(s, follows), f.leave(s))
}

// reach returns the site that the path leads to now, and the follower there.
func (f *Follower) reach() (*Site, *sqlite.Follower, error) {
	f.place.Lock()
	defer f.place.Unlock()
	s, err := Reach(f.path)
	if err != nil {
		return nil, nil, err
	}
	if f.at != nil && f.at.same(s) {
		err = s.Close()
		s = f.at
	} else if f.at != nil {
		err = f.part()
	}
	if err != nil {
		return nil, nil, err
	}
	follows := f.follows.Load()
	if inner := s.Folder.Inner(s.Name); follows == nil || f.inner != inner {
		follows, f.inner = sqlite.NewFollower(inner, sqlite.FollowOptions{Hold: f.hold.Load(), BusyTimeout: followTimeout, Now: f.now}), inner
		f.follows.Store(follows)
	}
	return s, follows, nil
}

// leave closes a site, unless a held connection needs it.
func (f *Follower) leave(s *Site) error {
	f.place.Lock()
	defer f.place.Unlock()
	if f.follows.Load().State().Held {
		f.at = s
		return nil
	}
	f.at = nil
	return s.Close()
}

// part closes the follower where it has its connection, and forgets it. It belongs to reach.
func (f *Follower) part() error {
	follows, at := f.follows.Swap(nil), f.at
	f.at = nil
	if at == nil || follows == nil {
		return nil
	}
	return errors.Join(at.Do(follows.Close), at.Close())
}

// same reports whether two sites are the same folder with the same rights. A site that uses paths as they are notices
// another folder of the same path without that.
func (s *Site) same(other *Site) bool {
	if s.Path() != other.Path() || !reflect.DeepEqual(s.Folder.Rights(), other.Folder.Rights()) {
		return false
	}
	a, b := s.Folder.Root(), other.Folder.Root()
	if a == nil || b == nil {
		return a == b
	}
	before, err := a.Stat(".")
	now, failed := b.Stat(".")
	return err == nil && failed == nil && os.SameFile(before, now)
}

// Source returns the database as a source of backups, as [WatchedSource] does. Its images have a method Stored, see
// [sqlite.Image.Stored]. Only one may be open at a time.
func (f *Follower) Source(opts sqlite.Options) repo.Source {
	return watched(f.silence, opts, f.call, f.openImage)
}

// openImage opens an image by the follower.
func (f *Follower) openImage(ctx context.Context, opts sqlite.Options) (*image, error) {
	if !f.reading.CompareAndSwap(false, true) {
		return nil, fmt.Errorf("open database %s: %w: an image is still open", f.path, outcome.ErrStuck)
	}
	s, follows, err := f.reach()
	if err != nil {
		f.reading.Store(false)
		return nil, fmt.Errorf("open database %s: %w", f.path, err)
	}
	opts.Follower = follows
	left := func() error {
		defer f.reading.Store(false)
		return f.leave(s)
	}
	return s.openImage(ctx, f.path, opts, left)
}

// State is [sqlite.Follower.State].
func (f *Follower) State() sqlite.FollowerState {
	if follows := f.follows.Load(); follows != nil {
		return follows.State()
	}
	return sqlite.FollowerState{NotHeld: "not opened yet"}
}

// Hold is [sqlite.Follower.Hold].
func (f *Follower) Hold() {
	f.hold.Store(true)
	if follows := f.follows.Load(); follows != nil {
		follows.Hold()
	}
}

// Release is [sqlite.Follower.Release].
func (f *Follower) Release() error {
	f.hold.Store(false)
	return f.end((*sqlite.Follower).Release)
}

// Close is [sqlite.Follower.Close].
func (f *Follower) Close() error { return f.end((*sqlite.Follower).Close) }

// end calls a function that ends the holding of a connection, where that was opened.
func (f *Follower) end(how func(*sqlite.Follower) error) error {
	return f.call(NewWatchdog(context.Background(), f.silence), func() error {
		f.place.Lock()
		follows, at := f.follows.Load(), f.at
		f.place.Unlock()
		switch {
		case follows == nil:
			return nil
		case at == nil: // no connection is held
			return how(follows)
		}
		return errors.Join(at.Do(func() error { return how(follows) }), f.leave(at))
	}, Nothing)
}
