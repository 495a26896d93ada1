package sqlite

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"firn/sqlite/internal/capi"
	"firn/sqlite/internal/follow"
	"firn/sqlite/internal/source"
)

// FollowOptions say how a database is followed. The zero value is right for most.
type FollowOptions struct {
	// Hold keeps a connection to a database in WAL mode open between looks, so that changes are known after every restart
	// of the WAL that [Follower.Peek] has seen. Meanwhile no application can leave WAL mode or take the database for
	// itself (locking_mode=EXCLUSIVE), and the WAL stays when the last application closes.
	Hold        bool
	BusyTimeout time.Duration    // how long to wait for a lock; 0 means 10 seconds
	Now         func() time.Time // the clock; nil means time.Now
}

// Follower knows which pages of a live database have changed since the last stored image, without a lock between its calls.
// Images that are opened with [Options.Follower] are read by it: only pages that may have changed. What it knows is in
// memory, and is not used by another process.
//
// All methods may be called by several goroutines. Peek uses no path; the other methods that touch the database do, and must
// be called with the rights with which the database is opened.
type Follower struct {
	path string
	opts FollowOptions
	want atomic.Bool // a connection is to be held
	open atomic.Bool // an image of the follower has an open transaction, and then has mu

	mu      sync.Mutex
	held    *held // nil while no connection is
	tracker follow.Tracker
	steady  bool  // held was open since the tracker's last state
	base    *mark // of the last stored image; nil before the first
	taken   *mark // of the image that was opened last; nil when it was stored
	record  record

	blind bool // for tests: replaced files do not count
}

// NewFollower returns a follower of the database at a path. It touches no file.
func NewFollower(path string, o FollowOptions) *Follower {
	if o.BusyTimeout == 0 {
		o.BusyTimeout = defaultBusyTimeout
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	f := &Follower{path: path, opts: o}
	f.want.Store(o.Hold)
	return f
}

// Peek takes in what was committed to a held database. Without commits it makes no system call. For a database that is not
// held, and while an image of the follower is being read, it does nothing. Call it every 10 ms: what was committed between
// two restarts of the WAL is lost if no Peek was between them, and the next image is read whole.
//
// After an error nothing is known until the next image; the connection is given up by the next [Follower.Look].
func (f *Follower) Peek() error {
	if !f.mu.TryLock() {
		return nil
	}
	defer f.mu.Unlock()
	if f.held == nil || !f.steady {
		return nil
	}
	_, err := f.peek()
	return err
}

// peek brings the tracker up to date without a lock.
func (f *Follower) peek() (follow.Rule, error) {
	rule, err := f.tracker.Peek(f.held.peeker, &f.held.frames)
	if err != nil {
		f.tracker.Lose(follow.Broken)
		f.held.failed = true
		f.record.fail(err)
		return rule, fmt.Errorf("follow database %s: %w", f.path, err)
	}
	if rule != follow.Same && rule.Advanced() {
		f.advanced(rule)
	}
	return rule, nil
}

// advanced notes a rule by which the tracker has come to a new state.
func (f *Follower) advanced(rule follow.Rule) {
	f.record.note(rule, f.tracker.Commits, f.tracker.Frames, f.opts.Now())
}

// Look reports whether the database may have changed since the image that was last marked by [Image.Stored]. It reports true
// if there is none, and while an image of the follower is being read. It notices that the file of the path is another one.
//
// A held database costs a few microseconds. Others are opened and closed, unless their files are as they were. Look may wait
// for locks, and then returns [ErrBusy]; it returns the other errors of [Open], too. With an error it reports true.
func (f *Follower) Look(ctx context.Context) (bool, error) {
	if f.open.Load() {
		return true, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	changed, err := f.look(ctx)
	f.record.fail(err)
	if err != nil {
		return true, fmt.Errorf("look at database %s: %w", f.path, err)
	}
	return changed, nil
}

func (f *Follower) look(ctx context.Context) (bool, error) {
	path, info, err := source.Resolve(f.path)
	if err != nil {
		f.lose(follow.Replaced)
		return true, errors.Join(err, f.drop())
	}
	if err := f.checkFiles(path, info); err != nil || f.base == nil {
		return true, err
	}
	if !f.base.tracked && f.base.untouched(path, info) {
		return false, nil
	}
	if f.held != nil && f.base.tracked {
		rule, err := f.peek()
		if err == nil && rule.Advanced() {
			return f.moved(), nil
		}
	}
	return f.compare(ctx, path)
}

// moved reports whether something was committed since the base, or may have been.
func (f *Follower) moved() bool {
	changes := f.tracker.Base()
	return changes == nil || changes.Lost != "" || changes.Moved
}

// compare looks at the database in a read transaction.
func (f *Follower) compare(ctx context.Context, path string) (changed bool, err error) {
	c, still, err := f.connect(ctx, path)
	if err != nil {
		return true, err
	}
	defer func() { err = errors.Join(err, f.disconnect(c)) }()
	raw, err := begin(c, f.opts.BusyTimeout)
	if err != nil {
		return true, err
	}
	if err := f.poll(c, still, raw); err != nil {
		return true, err
	}
	if f.base.tracked && f.tracked(raw, still) {
		return f.moved(), f.keep(c, still, path)
	}
	now, err := fingerprintOf(c, path, raw, f.opts.Now())
	if err != nil {
		return true, err
	}
	return !f.base.print.quiet(now), errors.Join(still.Check(), f.keep(c, still, path))
}

// Hold takes up the holding of a connection again: the next Look or image opens it.
func (f *Follower) Hold() { f.want.Store(true) }

// Release closes the held connection, and none is held until [Follower.Hold]. What is known stays known. If an image is being
// read, its end closes the connection.
//
// If no other connection to the database is left, the WAL is written to the database and removed, as the application's own
// last close would have done.
func (f *Follower) Release() error {
	f.want.Store(false)
	if f.open.Load() {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.release()
	f.record.unheld("released")
	return err
}

// Close ends the following: it releases the connection, and leaves what the next process can use in the last image's
// [Options.StatePath]. Close the images first.
func (f *Follower) Close() error {
	err := f.Release()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.base != nil {
		f.base.save()
	}
	f.lose(follow.First)
	f.base, f.taken = nil, nil
	return err
}

// State returns what the follower has seen so far. It waits for no other call.
func (f *Follower) State() FollowerState { return f.record.state() }

// lose makes the changes unknown until the next image.
func (f *Follower) lose(reason follow.Rule) {
	f.tracker.Lose(reason)
	f.advanced(reason)
}

// begin opens a read transaction, and returns its header of the WAL-index, nil if it has none.
func begin(c *capi.Conn, timeout time.Duration) (wal []byte, err error) {
	if err := c.Exec("BEGIN"); err != nil {
		return nil, err
	}
	err = c.Retry(timeout, func() (err error) { wal, err = c.Snapshot(); return err })
	return wal, err
}
