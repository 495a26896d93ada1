package watch

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"firn/outcome"
	"firn/repo"
	"firn/report"
	"firn/retention"
	"firn/snapshot"
)

// rounds is [repo.Rounds].
type rounds interface {
	Take(ctx context.Context, members []repo.RoundMember) (*repo.RoundResult, error)
	Unconfirmed() int
	Confirm(ctx context.Context) (*repo.Confirmation, error)
	Thin(ctx context.Context, policy repo.PolicyFunc) ([]*snapshot.Snapshot, error)
	Latest(s snapshot.Series) *snapshot.Snapshot
}

// storePause is the longest time between two attempts at a store that is away.
const storePause = 30 * time.Second

// absence is the time in which the store does not take rounds.
type absence struct {
	backoff
	since   instant
	err     error // nil: the store is there
	code    int   // of the error
	alarmed bool  // monitors were told
}

// engine runs a job of the rounds apart, one at a time.
func (w *Watch) engine(job func(context.Context) func()) {
	w.engineBusy = true
	w.apart(func() func() {
		after := job(w.work)
		return func() { w.engineBusy = false; after() }
	})
}

// isSource reports whether an error is one of a database.
func isSource(err error) bool {
	_, ok := errors.AsType[*outcome.SourceError](err)
	return ok
}

// storeFailed notes that the store did not take something. Databases stay changed, and the next attempt is after a pause.
func (w *Watch) storeFailed(now instant, err error) {
	code, _ := outcome.Classify(err)
	news := w.away.err == nil || w.away.code != code
	if w.away.err == nil {
		w.away.since = now
	}
	w.away.err, w.away.code = err, code
	w.away.fail(now, storePause)
	w.storeFailures++
	w.makeRoom(now, err)
	if w.options.Once {
		w.failed = err
	}
	if news {
		w.tell(Problem, kindAway, "the repository takes no snapshots since %s: %v. It is tried again, after %s at most. %s",
			w.when(w.away.since.wall), err, retention.FormatDuration(storePause), hintOf(err))
	}
}

// storeWell notes that the store has taken a round. If it was away, that is told, with the window of states that were not stored.
func (w *Watch) storeWell(now instant, members []*database) {
	if w.away.err == nil {
		return
	}
	w.tell(Fact, kindBack, "the repository takes snapshots again, after %s", report.Elapsed(now.since-w.away.since.since))
	w.away = absence{}
	w.tellHole(now, members)
}

// maxNamed is the number of databases that a line names at most.
const maxNamed = 10

// tellHole tells of the databases that have changed meanwhile. Their last states are stored, the states between are not.
func (w *Watch) tellHole(now instant, members []*database) {
	var names []string
	var from time.Time
	for _, d := range members {
		if !d.missed || d.stored.IsZero() {
			continue
		}
		d.holes++
		names = append(names, d.env.Name)
		if from.IsZero() || d.stored.Before(from) {
			from = d.stored
		}
	}
	if len(names) == 0 {
		return
	}
	w.tell(Problem, kindHole, "states between %s and %s were not stored, of %s: %s", w.when(from), w.when(now.wall),
		report.Plural(len(names), "database"), shortList(names))
}

// shortList joins names, ten at most.
func shortList(names []string) string {
	if more := len(names) - maxNamed; more > 0 {
		return strings.Join(names[:maxNamed], ", ") + fmt.Sprintf(", and %d more", more)
	}
	return strings.Join(names, ", ")
}

// openRounds begins the rounds, and tries again while the store is away.
func (w *Watch) openRounds(now instant) {
	if w.rounds != nil || w.engineBusy || !w.away.due(now) {
		return
	}
	w.engine(func(ctx context.Context) func() {
		rounds, err := w.newRounds(ctx)
		return func() {
			now := w.clock.read()
			switch {
			case err != nil && !Mends(err):
				w.failed = err
			case err != nil:
				w.storeFailed(now, err)
			default:
				w.rounds = rounds
				w.storeWell(now, nil)
			}
		}
	})
}

// Mends reports whether time may mend the error of a repository that could not be opened. Time mends no key, no location and no
// configuration.
func Mends(err error) bool {
	switch code, _ := outcome.Classify(err); code {
	case outcome.CodeUsage, outcome.CodeNoRepository, outcome.CodeWrongKey, outcome.CodeDamage, outcome.CodeInterrupted:
		return false
	}
	return !outcome.Is(repo.ErrVersion)(err)
}
