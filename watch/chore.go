package watch

import (
	"context"
	"errors"
	"time"

	"firn/config"
	"firn/repo"
	"firn/site"
	"firn/store"
)

const (
	// choreRest is the time between the beginning of a watch, or the end of a chore, and the next chore. The bases of a watch come
	// first, and chores that follow one another at once would take a core for hours.
	choreRest = 10 * time.Minute
	// prunePause is the time between two looks whether a prune is due.
	prunePause = time.Hour
	// pruneEvery is the time between two prunes. Most rounds are forgotten after an hour, and a prune condemns what a later one
	// deletes. With six hours, as backups have it, a third of the room of a day waited for that ("go run -C bench ./watch -only day").
	pruneEvery = 2 * time.Hour
	// verifyPause is the time between two verifications: each is of the database of which that is due for the longest time, see
	// [verify.Due]. So 1,000 databases take a week.
	verifyPause = choreRest
	// verifyIdle is the time after which a verification is looked for again when none was due: each look lists the repository.
	verifyIdle = 6 * time.Hour
	// copyPause is the time between two copies to another repository, as "firn schedule" has it.
	copyPause = 24 * time.Hour
	// fullPause is the time after which a store that has no room is pruned again.
	fullPause = time.Hour
)

// chore is upkeep of the repository beside the rounds. Chores run one at a time, in a goroutine of their own, so none delays a
// round; each yields when it waits for the store, and what it computes takes one core at most.
type chore struct {
	name  string
	pause time.Duration
	idle  time.Duration // the pause after a run that has found nothing to do; 0 for the same
	timer
	// run does it, if there is anything to do. The environments are those whose monitors learn of the error; none: of all.
	run func(ctx context.Context, conf *config.Config) (done string, of []string, err error)
}

// upkeep is what is done for the repository beside the rounds.
type upkeep struct {
	chore     *chore // under way; nil for none
	choreRest timer  // between chores
	freeing   bool   // space is being freed
	full      timer
	failing   map[string]string // chores that have failed, with their last errors
}

// doChores starts the next chore that is due, unless something more urgent is under way.
func (w *Watch) doChores(now instant) {
	busy := w.chore != nil || w.base != nil || len(w.large) > 0 || w.rounds == nil || w.away.err != nil || w.spooled() > 0 || w.options.Once
	if busy || !w.choreRest.due(now) {
		return
	}
	for _, c := range w.chores {
		if c.due(now) {
			w.do(c, now)
			return
		}
	}
}

// do starts a chore.
func (w *Watch) do(c *chore, now instant) {
	w.chore = c
	c.set(now, c.pause)
	conf := w.conf
	w.apart(func() func() {
		var done string
		var of []string
		err := site.Caught(func() (err error) { done, of, err = c.run(w.work, conf); return err })
		return func() { w.choreEnded(c, done, of, err) }
	})
}

// choreEnded tells what a chore has done. A failure is told to monitors, too.
func (w *Watch) choreEnded(c *chore, done string, of []string, err error) {
	w.chore = nil
	w.choreRest.set(w.clock.read(), choreRest)
	w.noteChore(c.name, of, err)
	switch {
	case err != nil:
	case done != "":
		w.tell(Fact, kindChore, "%s: %s", c.name, done)
	case c.idle > 0:
		c.set(w.clock.read(), c.idle)
	}
}

// noteChore tells of upkeep that has failed, once for each error that it has in a row.
func (w *Watch) noteChore(name string, of []string, err error) {
	if err == nil {
		delete(w.failing, name)
		return
	}
	if errors.Is(err, context.Canceled) || w.failing[name] == err.Error() {
		return
	}
	if w.failing == nil {
		w.failing = map[string]string{}
	}
	w.failing[name] = err.Error()
	if errors.Is(err, repo.ErrMayNotDelete) { // a host that cannot delete is meant to be so
		w.tell(Fact, kindChore, "%s: %v. A host that may delete has to do it.", name, err)
		return
	}
	w.tell(Problem, kindChore, "%s: %v. It is tried again later; the rounds go on.", name, err)
	w.alarmAll(of, err)
}

// makeRoom frees space at once if the store had none for a round, and no spool is full instead.
func (w *Watch) makeRoom(now instant, err error) {
	if !errors.Is(err, store.ErrNoSpace) || w.spooled() > 0 || w.freeing || !w.full.due(now) || w.freeSpace == nil {
		return
	}
	w.full.set(now, fullPause)
	w.freeing = true
	w.apart(func() func() {
		err := site.Caught(func() error { return w.freeSpace(w.work) })
		return func() {
			w.freeing = false
			if w.noteChore("free space", nil, err); err != nil {
				return
			}
			w.tell(Fact, kindChore, "the store had no room: space was freed")
			w.away.next = 0
		}
	})
}
