package watch

import "time"

// clock tells the time twice: by the wall, for records and people, and since the watch began, for intervals. The second one
// never jumps.
type clock struct {
	wall  func() time.Time
	since func() time.Duration
}

// newClock returns a clock by a function that returns the time with its monotonic reading.
func newClock(now func() time.Time) clock {
	began := now()
	return clock{
		wall:  func() time.Time { return now().Round(0) }, // without the monotonic reading
		since: func() time.Duration { return now().Sub(began) },
	}
}

// instant is a reading of a clock.
type instant struct {
	wall  time.Time
	since time.Duration
}

// read reads the clock.
func (c clock) read() instant { return instant{c.wall(), c.since()} }

// jumpTolerance is the difference of the two readings that counts as a jump. Daemons that keep the time slew smaller ones.
const jumpTolerance = 2 * time.Second

// jump returns by how much the wall clock has jumped since another reading: forward if the machine was suspended or its clock set
// forward, and 0 for less than the tolerance.
func (i instant) jump(now instant) time.Duration {
	d := now.wall.Sub(i.wall) - (now.since - i.since)
	if d.Abs() < jumpTolerance {
		return 0
	}
	return d
}

// timer says when something that is repeated is due. The zero timer is due at once.
type timer struct{ next time.Duration }

// due reports whether the time has come.
func (t *timer) due(now instant) bool { return now.since >= t.next }

// set makes the timer due after a while.
func (t *timer) set(now instant, d time.Duration) { t.next = now.since + d }

// align makes the timer due at the next multiple of an interval, so that all timers with it are due at the same time.
func (t *timer) align(now instant, interval time.Duration) {
	t.next = (now.since/interval + 1) * interval
}

// hurry makes the timer due at once.
func (t *timer) hurry() { t.next = 0 }

// backoff is the time between attempts at something that fails. It doubles with each failure.
type backoff struct {
	timer
	pause time.Duration
}

// firstPause is the pause after the first failure.
const firstPause = time.Second

// fail makes the next attempt due after a pause, which has an upper limit.
func (b *backoff) fail(now instant, most time.Duration) {
	b.pause = min(max(firstPause, 2*b.pause), most)
	b.set(now, b.pause)
}

// reset makes the next attempt due at once, and the next pause the first one again.
func (b *backoff) reset() { *b = backoff{} }
