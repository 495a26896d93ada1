package repo

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"firn/pack"
	"firn/store"
)

const (
	// lockedEntry is the cache entry with the Unix time of the last renewal of locks.
	lockedEntry = "state/locked"
	// lockShare is the part of a lock's time after which it is renewed. An object
	// that was a little too young at one renewal waits for the next: so no needed
	// object is ever locked for less than this part, as long as the repository is
	// pruned now and then. To renew all locks each time would keep objects for long
	// that retention is about to remove.
	lockShare = 3
)

// renewLocks keeps the objects that are left from being deleted, where the store can lock
// objects. They were locked when they were written, and must stay so as long as they are
// needed. The locks of condemned or forgotten objects expire.
func (p *prune) renewLocks(ctx context.Context) error {
	locker, ok := p.repo.store.(store.Locker)
	if !ok || locker.LockDuration() == 0 || !p.repo.locksDue(locker.LockDuration()) {
		return nil
	}
	names, err := p.worthLocking(ctx, locker.LockDuration()/lockShare)
	if err != nil {
		return err
	}
	if err := locker.Lock(ctx, names...); err != nil {
		return fmt.Errorf("renew locks: %w", err)
	}
	p.repo.cache.Put(lockedEntry, strconv.AppendInt(nil, p.repo.opts.now().Unix(), 10))
	return nil
}

// locksDue reports whether this host has not renewed locks for long.
func (r *Repo) locksDue(lock time.Duration) bool {
	b, _ := r.cache.Get(lockedEntry)
	seconds, err := strconv.ParseInt(string(b), 10, 64)
	age := r.opts.now().Sub(time.Unix(seconds, 0))
	return err != nil || age < 0 || age >= lock/lockShare
}

// worthLocking lists the objects of more than some age that the repository needs.
func (p *prune) worthLocking(ctx context.Context, older time.Duration) ([]string, error) {
	objects, err := collect(ctx, p.repo.store, metaPrefix)
	if err != nil {
		return nil, fmt.Errorf("list repository: %w", err)
	}
	var names []string
	for _, o := range objects {
		if _, round := pack.ParseName(o.Name); !round && p.age(o.Time) >= older {
			names = append(names, o.Name)
		}
	}
	for id, o := range p.packs {
		if !slices.Contains(p.victims, id) && p.age(o.Time) >= older {
			names = append(names, o.Name)
		}
	}
	return names, nil
}
