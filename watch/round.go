package watch

import (
	"context"
	"fmt"
	"slices"
	"time"

	"firn/outcome"
	"firn/repo"
	"firn/report"
	"firn/site"
	"firn/sqlite"
)

const (
	// patience is how long a round waits for a look at a database. A slower one misses the round and is in the next, so a file
	// server that is gone delays the others once, by this.
	patience = time.Second
	// looksAtOnce bounds the looks that are under way and have not lost the round's patience.
	looksAtOnce = 32
)

// turns are the rounds under way and to come.
type turns struct {
	round      *round // that looks; nil for none
	pace       timer  // of rounds
	engineBusy bool   // a job of the rounds is under way
	lookedOnce bool   // a round has looked at all databases
}

// round is a round that looks at its databases.
type round struct {
	began   instant
	queue   []*database             // not looked at yet
	looks   map[*database]instant   // under way, with their beginnings
	starts  map[*database]time.Time // when each look began: up to then an unchanged database is stored
	members []*database             // that have changed
	looked  int
}

// startRound begins a round if that is due. Looks run apart; the loop goes on.
func (w *Watch) startRound(now instant) {
	if w.round != nil || w.engineBusy || w.rounds == nil || !w.pace.due(now) || !w.away.due(now) || w.opening(now) {
		return
	}
	w.beginRound(now)
}

// beginRound begins a round of the databases that are ready.
func (w *Watch) beginRound(now instant) {
	r := &round{began: now, looks: map[*database]instant{}, starts: map[*database]time.Time{}}
	for _, d := range w.databases {
		if d.ready(now) {
			r.queue = append(r.queue, d)
		}
	}
	if len(r.queue) == 0 {
		return
	}
	w.round = r
	w.pace.align(now, w.shortest()) // a round in between moves none of the others
	w.advanceRound(now)
}

// opening reports whether a database is being opened and the round should wait for it.
func (w *Watch) opening(now instant) bool {
	return slices.ContainsFunc(w.databases, func(d *database) bool {
		return d.state == Opening && d.fault == nil && (d.call == nil || now.since-d.call.began.since < patience)
	})
}

// shortest returns the shortest interval of all databases.
func (w *Watch) shortest() time.Duration {
	d := w.every
	for _, db := range w.databases {
		d = min(d, db.every)
	}
	return d
}

// advanceRound starts looks, gives up waiting for slow ones, and takes the members when all others have returned.
func (w *Watch) advanceRound(now instant) {
	r := w.round
	if r == nil || w.engineBusy {
		return
	}
	for d, began := range r.looks {
		if now.since-began.since >= patience {
			delete(r.looks, d)
		}
	}
	for len(r.looks) < looksAtOnce && len(r.queue) > 0 {
		d := r.queue[0]
		r.queue = r.queue[1:]
		if d.follower != nil && d.call == nil && !d.gone {
			w.look(r, d, now)
		}
	}
	if len(r.looks) == 0 && len(r.queue) == 0 {
		w.takeRound(r)
	}
}

// look finds out whether a database of a round may have changed.
func (w *Watch) look(r *round, d *database, now instant) {
	r.looks[d], r.starts[d] = now, now.wall
	follower := d.follower
	var changed bool
	var state sqlite.FollowerState
	w.start(d, now, func(ctx context.Context) (err error) {
		changed, err = follower.Look(ctx)
		state = follower.State()
		return err
	}, func(now instant, err error) {
		_, within := r.looks[d]
		delete(r.looks, d)
		d.follow, d.seen = state, true
		switch {
		case err != nil:
			w.failLook(d, now, err)
		case changed || d.changed || !d.taken:
			d.changed = true
			w.wake(d)
			if within && w.round == r {
				r.members = append(r.members, d)
			} else {
				d.due.hurry()
			}
		default:
			d.settle(now)
			w.upToDate(d, now, r.starts[d])
			w.rest(d, now)
		}
		r.looked++
	})
}

// failLook notes that a look at a database failed. What was known of the database may not be true any more.
func (w *Watch) failLook(d *database, now instant, err error) {
	d.changed = true
	w.fail(d, now, outcome.OfSource(err))
	switch d.state {
	case Stuck, Broken, Failing:
		w.drop(d, now)
	}
}

// takeRound stores the members of a round by one request.
func (w *Watch) takeRound(r *round) {
	members := w.choose(r)
	w.hour.rounds++
	if len(members) == 0 {
		w.endRound(nil)
		return
	}
	list := w.membersOf(members, r.began.wall)
	for _, d := range members {
		d.taking = true
	}
	w.engine(func(ctx context.Context) func() {
		var result *repo.RoundResult
		err := site.Caught(func() (err error) { result, err = w.rounds.Take(ctx, list); return err })
		unconfirmed := w.rounds.Unconfirmed()
		return func() {
			w.unconfirmed = unconfirmed
			w.tookRound(r, members, result, err)
		}
	})
}

// membersOf returns databases as members of a round.
func (w *Watch) membersOf(databases []*database, now time.Time) (members []repo.RoundMember) {
	for _, d := range databases {
		if d.latest == nil {
			d.latest = w.rounds.Latest(d.series())
		}
		members = append(members, w.member(d, now))
	}
	return members
}

// tookRound notes the outcome of a round.
func (w *Watch) tookRound(r *round, members []*database, result *repo.RoundResult, err error) {
	now := w.clock.read()
	w.endRound(members)
	defer w.closeGone(members)
	if err == nil && len(result.Members) != len(members) {
		err = fmt.Errorf("%d results for %d databases", len(result.Members), len(members))
	}
	if err != nil {
		w.storeFailed(now, err)
		for _, d := range members {
			d.missed = true
		}
		return
	}
	took := now.since - r.began.since
	w.storeWell(now, members)
	w.hour.took(result)
	w.roundsTaken++
	for i, d := range members {
		m := result.Members[i]
		d.settle(now)
		if m.Err != nil {
			w.failLook(d, now, m.Err)
			continue
		}
		w.storedRound(d, now, r.starts[d], m.BackupResult)
		d.spare(now, share(took, m, result))
	}
	w.tell(Detail, kindRound, "round of %s in %s, %s", report.Plural(len(members), "database"), report.Elapsed(took), report.Size(result.Size))
}

// closeGone closes the databases that were removed while a round was reading them.
func (w *Watch) closeGone(members []*database) {
	for _, d := range members {
		if d.taking = false; d.gone {
			w.close(d)
		}
	}
}

// endRound ends the round, and lets the databases that are no members have their next one.
func (w *Watch) endRound(members []*database) {
	w.round = nil
	if w.unconfirmed == 0 && w.away.err == nil && w.spooled() == 0 {
		w.confirmedAt = w.clock.read()
	}
	if w.confirm == 0 && len(members) > 0 {
		w.confirmation.hurry()
	}
	w.lookedOnce = true
}

// share returns the part of the time of a round that the reading of one member has taken, by the bytes that were read.
func share(took time.Duration, m repo.MemberResult, result *repo.RoundResult) time.Duration {
	var all int64
	for _, other := range result.Members {
		if other.Err == nil {
			all += other.Scanned
		}
	}
	if all == 0 {
		return 0
	}
	return time.Duration(float64(took) * float64(m.Scanned) / float64(all))
}

const (
	// sparing is how many times the reading of a database with a rollback journal is left alone afterwards. Each reading is a whole
	// one there, and keeps its application from committing for a moment: 5 % of the time is what a backup may cost.
	sparing = 20
	// largeJournal is the size from which such a database is read once in [largePause] at most.
	largeJournal = 100 << 20
	largePause   = time.Minute
)

// spare keeps a database with a rollback journal from being read too often.
func (d *database) spare(now instant, took time.Duration) {
	if d.follow.JournalMode == "" || d.follow.JournalMode == "wal" {
		return
	}
	pause := sparing * took
	if d.size > largeJournal {
		pause = max(pause, largePause)
	}
	if next := now.since + pause; next > d.due.next {
		d.due.next = next
	}
}
