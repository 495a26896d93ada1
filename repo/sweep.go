package repo

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"firn/chunk"
	"firn/pack"
	"firn/store"
)

// sweep is step P3, and chooses for P4. It deletes the packs that were condemned when this
// run listed the plans, unless they still hold needed blobs. That comes before anything is
// written, as else nothing could be freed on a full disk.
func (p *prune) sweep(ctx context.Context) error {
	p.chooseVictims()
	if err := p.clean(ctx); err != nil {
		return err
	}
	names := p.expired
	p.expired = nil
	copied := p.toBeCopied()
	for id := range p.listing.condemned() {
		o, exists := p.packs[id]
		switch {
		case !exists:
		case p.spare[id], p.living[id]:
			p.result.Pending += o.Size
		case p.holdsAny(id, copied):
			p.late = append(p.late, id)
		default:
			names = append(names, p.drop(id))
		}
	}
	return p.delete(ctx, names)
}

// toBeCopied returns the blobs that step P4 will copy.
func (p *prune) toBeCopied() map[chunk.ID]bool {
	blobs := make(map[chunk.ID]bool)
	for id, live := range p.live {
		if p.repacked[id] || p.spare[id] {
			for blob := range live {
				blobs[blob] = true
			}
		}
	}
	return blobs
}

// holdsAny reports whether a pack has another copy of a blob that is to be copied. Such a pack
// stays until the blob is copied: should its first copy be damaged, a second try finds this
// one.
func (p *prune) holdsAny(id pack.ID, blobs map[chunk.ID]bool) bool {
	return slices.ContainsFunc(p.inventory.index.Entries(id), func(e pack.Entry) bool { return blobs[e.ID] })
}

// drop takes a pack off the list of packs, and returns its name.
func (p *prune) drop(id pack.ID) string {
	p.result.Deleted++
	p.result.Freed += p.packs[id].Size
	delete(p.packs, id)
	if !p.opts.DryRun {
		p.inventory.index.Remove(id)
	}
	return id.Name()
}

func (p *prune) delete(ctx context.Context, names []string) error {
	if len(names) == 0 || p.opts.DryRun {
		return nil
	}
	if err := p.repo.remove(ctx, names...); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	return nil
}

// finish is step P6: it deletes the packs that had to wait for the copying, and the plans that
// the new one replaces.
func (p *prune) finish(ctx context.Context) error {
	names := p.expired
	if n := len(p.plans); n > 0 {
		names = append(names, p.plans[:n-1]...)
		names = slices.AppendSeq(names, maps.Keys(p.listing.plans))
	}
	buried, err := p.bygone(ctx)
	if err != nil {
		return err
	}
	names = append(names, buried...)
	for _, id := range p.late {
		if p.stale { // the next run finds it
			break
		}
		names = append(names, p.drop(id))
	}
	p.count()
	if err := p.delete(ctx, names); err != nil || p.opts.DryRun {
		return err
	}
	if err := p.forgetUnacknowledged(ctx); err != nil {
		return err
	}
	return p.renewLocks(ctx)
}

// bygone returns the tombstones of rounds that are gone. A tombstone must outlive its rounds, as else the
// snapshots in them would be back. So it is not enough that the listing of step P1 showed none of them: it
// may have begun before a round was there. Nor is a round gone that a repair is putting back.
func (p *prune) bygone(ctx context.Context) ([]string, error) {
	buried := make(map[string][]string) // by round
	stays := make(map[string]bool)
	err := readAll(ctx, p.repo, objectNames(p.listing.tombstones), p.repo.openTombstone, func(name string, t *tombstone, err error) {
		if err != nil {
			stays[name] = true
			return
		}
		for _, d := range t.Rounds {
			buried[d.Round.Name()] = append(buried[d.Round.Name()], name)
		}
	})
	keep := func(round string) {
		for _, name := range buried[round] {
			stays[name] = true
		}
	}
	for _, o := range p.listing.rounds {
		keep(o.Name)
	}
	for id := range p.uploads {
		keep(id.Name())
	}
	gone := func(o store.Object) bool { return !stays[o.Name] }
	if err != nil || p.opts.DryRun || !slices.ContainsFunc(p.listing.tombstones, gone) {
		return nil, err
	}
	for o, err := range listed(ctx, p.repo.store, pack.RoundPrefix) {
		if err != nil {
			return nil, fmt.Errorf("look for rounds of tombstones: %w", err)
		}
		keep(o.Name)
	}
	names := objectNames(p.listing.tombstones)
	return slices.DeleteFunc(names, func(name string) bool { return stays[name] }), nil
}

// count sums up the packs that are left.
func (p *prune) count() {
	for _, id := range p.victims {
		p.result.Pending += p.packs[id].Size
	}
	for _, o := range p.packs {
		p.result.Packs++
		p.result.Size += o.Size
	}
}

// clean removes the temporary files of crashed writers, where a store has such. It goes by the
// earlier of this host's clock and the store's, so that no fast clock costs another process
// its files.
func (p *prune) clean(ctx context.Context) error {
	cleaner, ok := p.repo.store.(store.Cleaner)
	if !ok || p.opts.DryRun {
		return nil
	}
	clock := p.repo.opts.now()
	if written := p.listing.newest.Time; written.Before(clock) {
		clock = written
	}
	_, err := cleaner.Clean(ctx, clock.Add(-defaultOrphanAge))
	return err
}
