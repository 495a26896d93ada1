package repo

import (
	"context"
	"os"
	"slices"
	"strings"
	"time"

	"firn/snapshot"
	"firn/store"
)

// foreignLife is for how long a prune keeps what another host has forgotten by a tombstone. A record with an object of its
// own is forgotten by a deletion, and a host whose credentials may only append can delete nothing. But it can put a
// tombstone. Without this time, a prune by a host that may delete would take the snapshots away at once, and an intruder on
// the first host would have made history go. A week is time to notice, and to delete the tombstone: then the snapshots are
// back. It costs the room of a week of rounds, only where one host forgets and another one prunes. What a host has forgotten
// itself it frees at once.
const foreignLife = 7 * 24 * time.Hour

// buriedState begins the names of the facts which say that this host has written a tombstone. They outlive the cache, which two
// processes can make forget an entry: that would cost the room of a week.
const buriedState = "buried"

// buriedEntry returns the name of the fact about a tombstone.
func buriedEntry(tombstone string) string {
	return statePrefix + buriedState + "/" + strings.TrimPrefix(tombstone, tombstonePrefix)
}

// isOwnTombstone reports whether this host has written a tombstone.
func (r *Repo) isOwnTombstone(name string) bool {
	entry, own := buriedEntry(name), false
	return slices.ContainsFunc(r.sealedDurable(entry), func(sealed []byte) bool { return r.openState(entry, sealed, &own) && own })
}

// buriedLeast is how old a fact about a tombstone is before it can be dropped: a younger tombstone may be missing in a listing that
// began before it was written.
const buriedLeast = 24 * time.Hour

// dropBuried forgets the facts about tombstones that a listing does not show any more.
func (r *Repo) dropBuried(l *listing) {
	listed := make(map[string]bool, len(l.tombstones))
	for _, o := range l.tombstones {
		listed[buriedEntry(o.Name)] = true
	}
	for _, entry := range r.durableFiles(buriedState) {
		info, err := os.Stat(r.durablePath(entry))
		if err == nil && !listed[entry] && r.opts.now().Sub(info.ModTime()) > buriedLeast {
			_ = os.Remove(r.durablePath(entry)) // the next prune tries again
		}
	}
}

// distrustForeign has a run go on as if the tombstones that other hosts have written lately said nothing. No safety depends on
// what it leaves out: it takes more for needed. A host that has lost what it knows takes its own tombstones for foreign ones.
func (p *prune) distrustForeign(ctx context.Context) (err error) {
	if p.opts.OrphanAge < 0 {
		return nil
	}
	if !p.opts.DryRun {
		p.repo.dropBuried(p.listing)
	}
	foreign := slices.DeleteFunc(slices.Clone(p.listing.tombstones), func(o store.Object) bool {
		return p.age(o.Time) >= foreignLife || p.repo.isOwnTombstone(o.Name)
	})
	if len(foreign) == 0 {
		return nil
	}
	l := *p.listing // a listing is not changed
	l.unheeded = make(map[string]bool)
	for _, o := range foreign {
		l.unheeded[o.Name] = true
	}
	if p.surely, err = p.surelyThere(ctx); err != nil {
		return err
	}
	p.listing = &l
	return readAll(ctx, p.repo, objectNames(foreign), p.repo.openTombstone, func(_ string, t *tombstone, err error) {
		if err == nil && !slices.Contains(p.result.ForgottenBy, t.Host) { // one that cannot be read is told of elsewhere
			p.result.ForgottenBy = append(p.result.ForgottenBy, t.Host)
		}
	})
}

// surelyThere returns the snapshots that no tombstone names. Of the others blobs may be gone: a prune of the host that has
// forgotten them goes by its tombstones.
func (p *prune) surelyThere(ctx context.Context) (map[snapshot.ID]bool, error) {
	list, err := p.repo.readRecords(ctx, p.listing)
	if err != nil {
		return nil, err
	}
	ids := make(map[snapshot.ID]bool, len(list))
	for _, s := range list {
		ids[s.ID] = true
	}
	return ids, nil
}

// doubted reports whether another host has forgotten a snapshot that this run takes for needed.
func (p *prune) doubted(s *snapshot.Snapshot) bool { return p.surely != nil && !p.surely[s.ID] }
