package watch

import (
	"context"
	"slices"
	"strings"
	"time"

	"firn/repo"
	"firn/site"
)

const (
	// baseBytes bounds the first readings of databases in one round: others, which change all the time, wait for them.
	baseBytes = 64 << 20
	// rejoinPause is how often the rounds are begun anew to learn of bases that were taken apart: each time lists the repository.
	rejoinPause = time.Minute
)

// bases are the first snapshots of large databases.
type bases struct {
	large     []*database // whose bases are to be taken apart
	base      *database   // whose base is being taken; nil for none
	joining   []*database // whose bases were taken, and are not known to the rounds
	rejoining timer
}

// choose returns the members of a round that are taken in it: all that this watch has taken before, and first readings up to a
// number of bytes, one at least. Large databases are read apart, and the others have their turn in the next round, at once.
func (w *Watch) choose(r *round) (members []*database) {
	slices.SortFunc(r.members, func(a, b *database) int { return strings.Compare(a.env.Name, b.env.Name) })
	var bytes int64
	for _, d := range r.members {
		switch {
		case d.follower == nil || d.gone: // since its look
		case d.taken:
			members = append(members, d)
		case d.size > baseBytes && !w.options.Once:
			w.large = append(w.large, d)
			d.basing = true
		case bytes == 0 || bytes+d.size <= baseBytes:
			members = append(members, d)
			bytes += d.size
		default:
			d.due.hurry()
			w.pace.hurry()
		}
	}
	return members
}

// startBase takes the first snapshot of a large database apart from the rounds, one at a time: it may take hours.
func (w *Watch) startBase(now instant) {
	if w.base != nil || len(w.large) == 0 || !w.away.due(now) {
		return
	}
	d := w.large[0]
	w.large = w.large[1:]
	if d.follower == nil || d.gone {
		d.basing = false
		return
	}
	w.base = d
	began := now.wall
	member := w.member(d, began)
	w.apart(func() func() {
		var result *repo.BackupResult
		err := site.Caught(func() (err error) { result, err = w.takeBase(w.work, member); return err })
		return func() { w.tookBase(d, began, result, err) }
	})
}

// tookBase notes the outcome of a base. The database joins the rounds when these know its snapshot.
func (w *Watch) tookBase(d *database, began time.Time, result *repo.BackupResult, err error) {
	now := w.clock.read()
	w.base = nil
	switch {
	case d.gone:
		w.close(d)
	case err == nil:
		w.storedRound(d, now, began, result)
		w.joining = append(w.joining, d)
	case isSource(err):
		d.basing = false
		w.failLook(d, now, err)
	default:
		d.basing = false
		d.due.hurry()
		w.storeFailed(now, err)
	}
}

// rejoin begins the rounds anew when bases were taken apart, so that the next snapshots of their databases follow these.
func (w *Watch) rejoin(now instant) {
	if len(w.joining) == 0 || w.engineBusy || w.round != nil || !w.rejoining.due(now) || w.unconfirmed > 0 {
		return
	}
	joining := w.joining
	w.joining = nil
	w.rejoining.set(now, rejoinPause)
	w.engine(func(ctx context.Context) func() {
		rounds, err := w.newRounds(ctx)
		return func() {
			if err != nil {
				w.joining = append(joining, w.joining...)
				w.storeFailed(w.clock.read(), err)
				return
			}
			w.rounds = rounds
			for _, d := range joining {
				d.basing = false
				d.due.hurry()
			}
		}
	})
}
