package repo

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"firn/snapshot"
)

// confirm is step W4: it looks again. If no plan was published since the listing that the
// record names, no blob that the snapshot relies on can have gone. Else every blob is looked
// up under the new plans, and a snapshot that is whole is recorded once more, under these.
// A snapshot that is not confirmed is taken again.
func (b *backup) confirm(ctx context.Context) (bool, error) {
	for range maxTries {
		settled, err := b.repo.settled(ctx, b.listing)
		if err != nil {
			return false, fmt.Errorf("confirm snapshot: %w", err)
		}
		if settled {
			if b.inventory != nil {
				b.packer.addTo(b.inventory.index)
			}
			return true, nil
		}
		if whole, err := b.whole(ctx); !whole {
			return false, err
		}
		if err := b.recordAgain(ctx); err != nil {
			return false, err
		}
	}
	return false, nil
}

// whole reports whether every blob of the snapshot is available under the plans of now.
func (b *backup) whole(ctx context.Context) (bool, error) {
	var err error
	if b.listing, err = b.repo.listMeta(ctx); err != nil {
		return false, err
	}
	fresh, err := b.repo.listInventory(ctx, b.listing)
	if err != nil {
		return false, err
	}
	b.inventory = fresh
	if b.tree == nil {
		if b.tree, err = b.nodes().loadTree(ctx, b.record); err != nil {
			return false, ctx.Err()
		}
	}
	return b.inventory.available(b.tree), nil
}

// recordAgain records the snapshot under the plans of now, and under a new name. So a record
// of earlier plans that misses a blob was never acknowledged, and prunes need not wait
// for it.
func (b *backup) recordAgain(ctx context.Context) error {
	again := *b.record
	again.ID, again.Token = snapshot.NewID(), b.listing.token
	again.Forgot = append(slices.Clone(b.forgot), b.record.ID)
	if err := b.repo.putRecord(ctx, &again); err != nil {
		return err
	}
	b.forgot, b.replaced = append(b.forgot, b.record.ID), append(b.replaced, b.record.ID)
	*b.record = again // the result has it, too
	return nil
}

// finish is step W5: it deletes the records that retention lets go, those of tries that
// were not confirmed, and the partial records of the uploads. Without retention the latter
// two may stay, where the credentials may not delete: they cost space until a run with
// other credentials forgets and prunes.
func (b *backup) finish(ctx context.Context, partials []string) error {
	defer b.repo.cache.Flush()
	if b.opts.DryRun {
		return nil
	}
	b.rememberPacks()
	if !b.result.Skipped && b.opts.copied.newest(b.list) { // the mark is on the newest of its database
		b.repo.raise(b.record, b.result.Rollback)
	}
	if err := b.repo.carryUpkeep(ctx, append([]*snapshot.Snapshot{b.record}, b.list...), b.forgot); err != nil {
		b.result.Left = err // other hosts learn less about upkeep
	}
	err := b.repo.forget(ctx, b.forgot, partials)
	if errors.Is(err, ErrMayNotDelete) && len(b.result.Forgotten) == 0 {
		b.result.Left = err
		return nil
	}
	if err != nil {
		return fmt.Errorf("snapshot %s is stored, but %d old ones could not be removed: %w", b.record.ID.Short(), len(b.result.Forgotten), err)
	}
	return nil
}

// dropUnconfirmed looks after runs of this host that were killed between steps W3 and W4.
// Their snapshots were not acknowledged, and may rely on blobs that prunes have taken away
// since. A record of which blobs are missing would stop prunes: it goes once this run is
// confirmed.
func (b *backup) dropUnconfirmed(ctx context.Context) error {
	lost, err := b.broken(ctx, b.unconfirmed())
	if err != nil {
		return err
	}
	for _, s := range lost {
		b.forgot = append(b.forgot, s.ID)
		b.leaveOut(s.ID)
	}
	return nil
}

// stands reports whether the snapshot before can stand for a new one of the same image: it was acknowledged, or goes by
// the plans of now. Any other one may be a record that a prune has missed blobs of, and is about to forget.
func (b *backup) stands() bool {
	if b.previous.Token == b.listing.token {
		return true
	}
	last := b.repo.lastConfirmed(b.opts.Environment, b.opts.Database)
	return last != nil && last.ID == b.previous.ID
}

// unconfirmed returns the snapshots of this host that may not be confirmed: all that came
// after the last one that was acknowledged. Between them can be snapshots of other hosts
// that share the environment.
func (b *backup) unconfirmed() []*snapshot.Snapshot {
	last := b.repo.lastConfirmed(b.opts.Environment, b.opts.Database)
	if last == nil {
		return nil
	}
	var suspects []*snapshot.Snapshot
	for _, s := range b.list {
		if s.Environment != b.opts.Environment || s.Database != b.opts.Database {
			continue
		}
		if s.ID == last.ID {
			break
		}
		if s.Writer() == b.repo.opts.Host && s.Token != b.listing.token {
			suspects = append(suspects, s)
		}
	}
	return suspects
}

// broken returns the snapshots of which blobs are gone for certain. One search that fails
// is no proof: a prune may have moved the blobs from packs that it deleted before the
// listing to packs that it stored after that. If a second search fails because of such a
// move, one of the packs that the first move made was swept before the second listing, and
// a plan had condemned it. So without a new plan between, two searches are proof.
func (b *backup) broken(ctx context.Context, suspects []*snapshot.Snapshot) (lost []*snapshot.Snapshot, err error) {
	for range maxListings {
		before := b.listing.token
		if suspects, err = b.incomplete(ctx, suspects); err != nil || len(suspects) == 0 {
			return nil, err
		}
		if b.listing, err = b.repo.listMeta(ctx); err != nil { // the first one may have come too early for a round
			return nil, err
		}
		if suspects, err = b.incomplete(ctx, suspects); err != nil || len(suspects) == 0 {
			return nil, err
		}
		settled, err := b.repo.settled(ctx, b.listing)
		if err != nil {
			return nil, fmt.Errorf("look for plans: %w", err)
		}
		if settled && b.listing.token == before {
			return suspects, nil
		}
		if b.listing, err = b.repo.listMeta(ctx); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// incomplete returns those snapshots of which blobs are not found. A snapshot may be a
// confirmed one of another host with the same name: so all packs count, also the condemned
// ones and those that the cache has not seen.
func (b *backup) incomplete(ctx context.Context, list []*snapshot.Snapshot) ([]*snapshot.Snapshot, error) {
	if len(list) == 0 {
		return nil, nil
	}
	inv, err := b.repo.listInventory(ctx, b.listing)
	if err != nil {
		return nil, err
	}
	var missing []*snapshot.Snapshot
	m := newMarker(b.repo.newReader(inv))
	for s, err := range m.markAll(ctx, list) {
		if err != nil && !isDamage(err) {
			return nil, err
		}
		if err != nil {
			missing = append(missing, s)
		}
	}
	return missing, nil
}
