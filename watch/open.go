package watch

import (
	"context"

	"firn/snapshot"
)

// openAll opens the databases that are not open, when their next attempt is due.
func (w *Watch) openAll(now instant) {
	for _, d := range w.databases {
		if d.follower == nil && d.call == nil && !d.gone && d.retry.due(now) {
			w.open(d, now)
		}
	}
}

// open takes the lock of a database and begins to follow it.
func (w *Watch) open(d *database, now instant) {
	env := d.env
	var unlock func()
	var follower Follower
	var size int64
	unlocked := d.unlock == nil
	keep := func() { // the lock stays ours while the database has a fault
		if unlock != nil {
			d.unlock = unlock
		}
	}
	c := w.start(d, now, func(ctx context.Context) (err error) {
		if env.Export == snapshot.ExportCompact {
			return errUnsuited
		}
		if unlocked {
			if unlock, err = w.lock(env); err != nil {
				return err
			}
		}
		if size, err = w.sizeOf(ctx, env.Database); err != nil {
			return err
		}
		follower = w.newFollower(env)
		return nil
	}, func(now instant, err error) {
		keep()
		if err != nil {
			w.fail(d, now, err)
			return
		}
		d.follower, d.size, d.quiet = follower, size, false
		d.due.hurry()
		w.pace.hurry()
		if d.state == Opening {
			d.state = Waiting
		}
	})
	c.late = keep
}

// close lets go of a database for good, in a call of its own. Its lock is free when the call has returned.
func (w *Watch) close(d *database) {
	d.gone = true
	if d.call != nil || d.taking || w.base == d {
		return // it is closed when that has ended
	}
	follower, unlock := d.follower, d.unlock
	d.follower, d.unlock = nil, nil
	if follower == nil && unlock == nil {
		return
	}
	w.start(d, w.clock.read(), func(context.Context) (err error) {
		if follower != nil {
			err = follower.Close()
		}
		if unlock != nil {
			unlock()
		}
		return err
	}, func(_ instant, err error) {
		if err != nil {
			w.tellOf(d, Detail, kindFault, "close: %v", err)
		}
	})
}

// drop closes the follower of a database whose fault may be its own. The next attempt makes a new one.
func (w *Watch) drop(d *database, now instant) {
	follower := d.follower
	d.follower = nil
	if follower != nil && d.call == nil {
		w.start(d, now, func(context.Context) error { return follower.Close() }, func(instant, error) {})
	}
}
