// Package watch takes snapshots of databases every few seconds, for as long as the process runs. It keeps hundreds of databases,
// the store, retention and the world outside in step. Each database has faults of its own, which hinder no other.
//
// One goroutine, the loop, owns all that a watch knows. Whatever may take time runs apart, in a goroutine of its own, and brings
// its outcome back to the loop as a function. So the loop always turns, and no state has a lock.
package watch

import (
	"context"
	"fmt"
	"time"

	"firn/config"
	"firn/monitor"
	"firn/outcome"
	"firn/repo"
	"firn/report"
	"firn/retention"
	"firn/session"
)

// Options say what is watched and how. The zero value watches all that is configured to be watched, as it is configured.
type Options struct {
	Environments []string      // to watch; none for all that are configured to be watched
	Every        time.Duration // between two rounds, in place of the configured time; 0 for that
	Once         bool          // end after the first snapshot of each database and one round more
	MetricsFile  string        // for Prometheus, in place of the configured one
	CopyKeyFile  string        // opens the repository of the daily copy, in place of the configured one
	Spool        Spool         // keeps rounds while the store is away; nil for none
	Told         func(Event)   // is called with each event, in the loop; nil for no call
}

// settings are what the configuration says about the rounds.
type settings struct {
	every   time.Duration // between two rounds
	confirm time.Duration // between two confirmations; 0 for one after each round
}

// parts are what a watch works with. Tests put others in their place.
type parts struct {
	clock       clock
	zone        *time.Location
	host        string
	newRounds   func(context.Context) (rounds, error)
	newFollower func(*config.Environment) Follower
	lock        func(*config.Environment) (unlock func(), err error)
	sizeOf      func(ctx context.Context, path string) (int64, error)
	member      func(d *database, now time.Time) repo.RoundMember
	takeBase    func(context.Context, repo.RoundMember) (*repo.BackupResult, error)
	putAlive    func(context.Context, repo.Alive) error
	expand      func(conf *config.Config, names []string) (listing, error)
	settingsOf  func(*config.Config) settings
	intervalOf  func(*config.Config, *config.Environment) time.Duration
	peekEvery   time.Duration
	foldersOf   func(*config.Config) []string // of patterns
	folderTime  func(path string) time.Time   // when files were added to a folder last, or removed
	chores      []*chore
	freeSpace   func(context.Context) error
	tellFailure func(context.Context, *config.Environment, error)
	tellAlive   func(ctx context.Context, env *config.Environment, line string)
	writeReport func(ctx context.Context, state session.WatchState, metricsFile string, metrics func(monitor.Samples)) error
	closeReport func() error
	requests    func() int64
	repository  string
	pid         int
	notifier    *notifier
}

// Watch watches databases. [New] makes one, and [Watch.Run] runs it, once. The other methods may be called at any time by any
// goroutine.
//
// Its fields are for the loop alone, in groups that are declared where they are used. Only the parts, the channels and the context
// are for goroutines apart, and stay as they are.
type Watch struct {
	parts
	settings
	options Options
	conf    *config.Config
	opened  *config.Config // by which the repository was opened
	spool   Spool

	posts chan func()     // to be called in the loop
	ended chan struct{}   // closed when the loop has ended
	work  context.Context // of all that runs apart: it goes on through the last round, after the end of Run's context

	databases []*database
	rounds    rounds  // nil: not begun yet
	began     instant // when the watch began
	last      instant // the reading of the turn before
	failed    error   // why the watch cannot go on

	turns
	folders
	holding
	bases
	confirmations
	draining
	upkeep
	messages
	reports
	away   absence
	peeker *peeker
	hour   hour
}

// tick is the time between two turns of the loop. Intervals are 1 s at least.
const tick = 100 * time.Millisecond

// newWatch makes a watch of its parts.
func newWatch(conf *config.Config, p parts, o Options) *Watch {
	w := &Watch{parts: p, options: o, opened: conf, spool: o.Spool, posts: make(chan func()), ended: make(chan struct{})}
	w.began = w.clock.read()
	w.last, w.confirmedAt = w.began, w.began
	w.choreRest.set(w.began, choreRest)
	w.take(conf)
	return w
}

// Run watches until the context ends, or until all is done with [Options].Once. At its end it takes a last round and confirms it,
// within [EndLimit]. An error says why it cannot go on, or what could not be stored at the end. With Once, Failures tells of the
// single databases.
func (w *Watch) Run(ctx context.Context) error {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	w.work = work
	defer cancel()
	defer close(w.ended)
	w.startPeeker(w.began)
	if err := w.refresh(w.conf); err != nil {
		return err
	}
	if len(w.databases) == 0 && len(w.foldersOf(w.conf)) == 0 {
		return outcome.Usage("Configure an environment, and leave out watch = false.", "there is nothing to watch")
	}
	w.tell(Fact, kindStart, "watching %s, every %s", report.Plural(len(w.databases), "database"), retention.FormatDuration(w.every))
	ticks := time.NewTicker(tick)
	defer ticks.Stop()
	w.turn()
	for w.failed == nil && !w.done() {
		select {
		case <-ctx.Done():
			return w.end()
		case after := <-w.posts:
			after()
			w.advanceRound(w.clock.read()) // the last look of a round may have returned
		case <-ticks.C:
			w.turn()
		}
	}
	if w.failed != nil {
		_ = w.ending(nil, nil) // the error is why it ends
		return w.failed
	}
	return w.end()
}

// turn does what is due.
func (w *Watch) turn() {
	now := w.clock.read()
	w.noticeJump(now)
	w.giveUpCalls(now)
	w.watchPeeker(now)
	w.lookForFiles(now)
	w.openRounds(now)
	w.openAll(now)
	w.tellFaults(now)
	w.startRound(now)
	w.advanceRound(now)
	w.confirmRounds(now)
	w.sayAlive(now)
	w.thin(now)
	w.startBase(now)
	w.rejoin(now)
	w.drain(now)
	w.doChores(now)
	w.holdAgain(now)
	w.alarms(now)
	w.beats(now)
	w.updatePeeker()
	w.summarize(now)
	w.reportState(now)
	w.tellSystemd(now)
	w.last = now
}

// looked reports whether each database was looked at or has a fault, or the store is away. Then the watch is at work, even if the
// first reading of a large database takes hours.
func (w *Watch) looked() bool {
	if w.away.err != nil {
		return true
	}
	for _, d := range w.databases {
		if d.fault == nil && d.follow.JournalMode == "" && !d.seen {
			return false
		}
	}
	return true
}

// noticeJump tells of a jump of the clock or a suspend of the machine, and takes a round at once.
func (w *Watch) noticeJump(now instant) {
	d := w.last.jump(now)
	switch {
	case d == 0:
		return
	case d > 0:
		w.tell(Fact, kindClock, "the clock has jumped forward by %s, or the machine was suspended: a round is taken at once", report.Elapsed(d))
	default:
		w.tell(Fact, kindClock, "the clock was set back by %s: a round is taken at once", report.Elapsed(-d))
	}
	w.hurry()
}

// hurry makes all rounds due.
func (w *Watch) hurry() {
	w.pace.hurry()
	for _, d := range w.databases {
		d.due.hurry()
	}
}

// done reports whether a watch that runs once has taken or tried all databases.
func (w *Watch) done() bool {
	if !w.options.Once || w.round != nil || w.engineBusy || w.rounds == nil {
		return false
	}
	for _, d := range w.databases {
		if !d.taken && d.fault == nil || d.untold && d.state == Missing {
			return false
		}
	}
	return true
}

// Failures returns the errors of the databases that are in a fault, and how many are well. It may be called after [Watch.Run].
func (w *Watch) Failures() (errs []error, well int) {
	for _, d := range w.databases {
		if d.expected {
			continue
		}
		if d.fault != nil {
			errs = append(errs, fmt.Errorf("watch %s: %w", d.env.Name, d.fault))
		} else {
			well++
		}
	}
	return errs, well
}

// unstored is the error of a watch that could not store its last round.
func (w *Watch) unstored(why error) error {
	return outcome.Failed("The next watch or backup stores what has changed.", "the last round could not be stored: %w", why)
}
