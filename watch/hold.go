package watch

import (
	"context"
	"time"

	"firn/retention"
	"firn/site"
)

const (
	// releasePause is the time after which connections are taken up again that were let go of on demand: for a person who changes the
	// journal mode.
	releasePause = time.Minute
	// quietTime is the time without a change after which the connection to a database is let go of. Nothing is lost by that: the next
	// change is noticed by a look, and costs one full reading at most.
	quietTime = 3 * time.Hour
)

// holding is whether connections are held at all.
type holding struct {
	letGo    bool  // all were let go of on demand
	released timer // until then
}

// Release lets go of the connections to all databases for a minute, so that an application can change the journal mode.
func (w *Watch) Release() {
	w.post(func() {
		now := w.clock.read()
		w.released.set(now, releasePause)
		w.letGo = true
		for _, d := range w.databases {
			w.release(d, now)
		}
		w.tell(Fact, kindReload, "the connections to the databases are let go of, for %s", retention.FormatDuration(releasePause))
	})
}

// release lets go of the connection to a database. The follower serves this call beside another one.
func (w *Watch) release(d *database, now instant) {
	follower := d.follower
	if follower == nil {
		return
	}
	if d.call != nil || d.basing {
		w.apart(func() func() { err := site.Caught(follower.Release); return func() { w.noteRelease(d, err) } })
		return
	}
	w.start(d, now, func(context.Context) error { return follower.Release() }, func(_ instant, err error) { w.noteRelease(d, err) })
}

// noteRelease tells that a connection could not be let go of.
func (w *Watch) noteRelease(d *database, err error) {
	if err != nil {
		w.tellOf(d, Problem, kindReload, "its connection could not be let go of: %v", err)
	}
}

// holdAgain takes up the connections again that were let go of on demand.
func (w *Watch) holdAgain(now instant) {
	if !w.letGo || !w.released.due(now) {
		return
	}
	w.letGo = false
	for _, d := range w.databases {
		w.hold(d)
	}
}

// hold has the connection to a database taken up by the next look, if one is wanted.
func (w *Watch) hold(d *database) {
	if d.follower != nil && d.env.Held() && !d.quiet && !w.letGo {
		d.follower.Hold()
	}
}

// changeHold takes up a connection, or lets go of it, if the configuration has changed that.
func (w *Watch) changeHold(d *database, before bool) {
	switch {
	case before && !d.env.Held():
		w.release(d, w.clock.read())
	case !before:
		w.hold(d)
	}
}

// rest lets go of the connection to a database that was quiet for long.
func (w *Watch) rest(d *database, now instant) {
	if d.follow.Held && !d.quiet && !d.follow.Changed.IsZero() && now.wall.Sub(d.follow.Changed) > quietTime {
		d.quiet = true
		w.release(d, now)
	}
}

// wake takes up the connection to a database again that was quiet.
func (w *Watch) wake(d *database) {
	if d.quiet {
		d.quiet = false
		w.hold(d)
	}
}
