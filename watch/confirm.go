package watch

import (
	"context"
	"time"

	"firn/repo"
	"firn/report"
	"firn/retention"
	"firn/site"
	"firn/snapshot"
)

const (
	// thinPause is the time between two runs of retention. Each lists the repository, and its deletes cost requests: fewer and larger
	// runs are cheaper, and rounds that no rule keeps are small. Without a round since the last run there is none.
	thinPause = 5 * time.Minute
	// alivePause is the time between two objects that say the watch is alive. Other hosts judge by max_age, of 25 hours usually.
	alivePause = time.Hour
)

// confirmations are what follows rounds: their confirmation, retention, and signs of life.
type confirmations struct {
	unconfirmed  int // snapshots
	confirmation timer
	confirmedAt  instant // up to when all is confirmed
	thinning     timer
	thinned      int64 // the rounds taken before the last retention, and one for the beginning of the watch
	alive        timer
}

// confirmRounds confirms the snapshots of the last rounds when that is due. As long as objects wait in the spool, there is nothing
// in the store to confirm.
func (w *Watch) confirmRounds(now instant) {
	if w.engineBusy || w.round != nil || w.unconfirmed == 0 || !w.confirmation.due(now) || !w.away.due(now) || w.spooled() > 0 {
		return
	}
	w.confirmation.set(now, w.confirm)
	w.engine(func(ctx context.Context) func() {
		var result *repo.Confirmation
		err := site.Caught(func() (err error) { result, err = w.rounds.Confirm(ctx); return err })
		unconfirmed := w.rounds.Unconfirmed()
		return func() {
			w.unconfirmed = unconfirmed
			w.confirmed(result, err)
		}
	})
}

// confirmed notes the outcome of a confirmation. The databases of lost snapshots are taken again in the next round.
func (w *Watch) confirmed(result *repo.Confirmation, err error) {
	now := w.clock.read()
	if err != nil {
		w.confirmation.hurry()
		w.storeFailed(now, err)
		return
	}
	w.storeWell(now, nil)
	w.confirmedAt = now
	for _, s := range result.Lost {
		if d := w.find(s.Series()); d != nil {
			d.changed = true
			d.due.hurry()
			w.pace.hurry()
		}
	}
	if n := len(result.Lost); n > 0 {
		w.tell(Fact, kindConfirm, "a prune has taken away what %s relied on: they are taken again", report.Plural(n, "snapshot"))
	}
	w.tell(Detail, kindConfirm, "confirmed %s", report.Plural(len(result.Acknowledged), "snapshot"))
}

// find returns the database of a series; nil for none.
func (w *Watch) find(s snapshot.Series) *database {
	for _, d := range w.databases {
		if d.series() == s {
			return d
		}
	}
	return nil
}

// thin applies retention when that is due. The rules count from the newest snapshot, so without a new one there is nothing to
// forget but what was saved before a restore, which can wait. So an idle watch costs no request.
func (w *Watch) thin(now instant) {
	taken := w.roundsTaken + 1
	if w.thinned == taken {
		return
	}
	if w.engineBusy || w.round != nil || w.rounds == nil || !w.thinning.due(now) || w.away.err != nil || w.spooled() > 0 || w.options.Once {
		return
	}
	w.thinning.set(now, thinPause)
	policies := w.policies()
	w.engine(func(ctx context.Context) func() {
		var forgotten []*snapshot.Snapshot
		err := site.Caught(func() (err error) {
			forgotten, err = w.rounds.Thin(ctx, func(s snapshot.Series) (retention.Policy, bool) { p, ok := policies[s]; return p, ok })
			return err
		})
		return func() { w.noteThinned(taken, len(forgotten), err) }
	})
}

// noteThinned notes the outcome of a run of retention after a number of rounds. An error delays no round.
func (w *Watch) noteThinned(taken int64, n int, err error) {
	if err == nil {
		w.thinned = taken
	}
	w.noteChore("retention", nil, err)
	w.hour.forgotten += n
}

// policies returns the retention of the databases. A policy that keeps nothing is refused with the configuration.
func (w *Watch) policies() map[snapshot.Series]retention.Policy {
	policies := map[snapshot.Series]retention.Policy{}
	for _, d := range w.databases {
		if p, err := w.conf.WatchPolicyOf(d.env); err == nil && d.taken {
			policies[d.series()] = p
		}
	}
	return policies
}

// sayAlive stores that the watch is alive, at the end of the first round and then once an hour.
func (w *Watch) sayAlive(now instant) {
	if w.engineBusy || w.round != nil || !w.lookedOnce || !w.alive.due(now) || w.away.err != nil || w.spooled() > 0 {
		return
	}
	w.alive.set(now, alivePause)
	a := w.aliveNow(now)
	w.engine(func(ctx context.Context) func() {
		err := site.Caught(func() error { return w.putAlive(ctx, a) })
		return func() {
			if err != nil {
				w.alive.set(w.clock.read(), storePause)
				w.tell(Detail, kindChore, "the sign of life could not be stored: %v", err)
			}
		}
	})
}

// aliveNow returns what the watch says of itself. Databases that are in a fault, or not stored up to now, have a time of their own.
func (w *Watch) aliveNow(now instant) repo.Alive {
	a := repo.Alive{Host: w.host, Began: w.began.wall, Time: now.wall, Every: w.every}
	for _, d := range w.databases {
		if d.taken && d.fault == nil && !d.changed && d.stored.Before(a.Time) {
			a.Time = d.stored
		}
	}
	for _, d := range w.databases {
		s := repo.AliveSeries{Environment: d.env.Name, Database: d.env.DatabaseName}
		if d.fault != nil || d.changed || !d.taken {
			s.Time = d.stored
		}
		if d.fault != nil && !d.expected {
			s.Problem = string(d.state) + ": " + d.fault.Error() + " " + hintOf(d.fault)
		}
		if d.stored.IsZero() { // a zero time would say that it is unchanged
			if s.Problem == "" {
				s.Problem = string(d.state)
			}
			s.Time = time.Unix(0, 0).UTC()
		}
		a.Watched = append(a.Watched, s)
	}
	return a
}
