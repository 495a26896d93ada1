package repo

import (
	"context"
	"fmt"

	"firn/snapshot"
)

// confirm is step W4: it looks again. If no plan was published since step W1,
// nothing that the snapshot relies on can have gone; else every blob is looked up
// under the new plans. A snapshot that is not confirmed is taken again.
func (b *backup) confirm(ctx context.Context) (bool, error) {
	settled, err := b.settled(ctx)
	if err != nil {
		return false, fmt.Errorf("confirm snapshot: %w", err)
	}
	if settled {
		b.packer.index()
		return true, nil
	}
	if b.view, err = b.repo.look(ctx); err != nil {
		return false, err
	}
	if err := b.repo.reloadIndex(ctx, b.view); err != nil {
		return false, err
	}
	if b.tree == nil {
		if b.tree, err = b.repo.loadTree(ctx, b.record.Image()); err != nil {
			return false, ctx.Err()
		}
	}
	return b.repo.available(b.tree), nil
}

// settled reports whether no plan was published since the view was listed.
func (b *backup) settled(ctx context.Context) (bool, error) {
	objects, err := collect(b.repo.store.List(ctx, planPrefix))
	if err != nil {
		return false, err
	}
	var names []string
	for _, o := range objects {
		if b.repo.isPlan(o.Name) {
			names = append(names, o.Name)
		}
	}
	return token(names) == b.view.token, nil
}

// finish is step W5: it deletes what retention lets go, records of tries that
// were not confirmed, and the partial records of the uploads.
func (b *backup) finish(ctx context.Context, partials []string) error {
	defer b.repo.cache.flush()
	if b.opts.DryRun {
		return nil
	}
	if !b.result.Skipped {
		b.repo.cache.put(b.confirmedEntry(), []byte(b.record.ID.String()))
	}
	if err := b.repo.forget(ctx, b.forgot, partials); err != nil {
		return fmt.Errorf("snapshot %s is stored, but old ones could not be removed: %w", b.record.ID.Short(), err)
	}
	return nil
}

// dropUnconfirmed looks after a run of this host that was killed between steps
// W3 and W4: its record may rely on what prunes have taken away since. Nobody was
// told that it succeeded. If it is not whole, it goes once this run is confirmed.
func (b *backup) dropUnconfirmed(ctx context.Context) error {
	last, known := b.repo.cache.get(b.confirmedEntry())
	s := b.newest()
	if !known || s == nil || s.ID.String() == string(last) || s.Host != b.repo.opts.Host || s.Token == b.view.token {
		return nil
	}
	broken, err := b.broken(ctx, s)
	if !broken || err != nil {
		return err
	}
	b.forgot = append(b.forgot, s.ID)
	b.leaveOut(s.ID)
	return nil
}

// broken reports whether blobs of a snapshot are gone for certain. That they are
// not found is no proof: prunes may have moved them from packs that a listing
// came too late for to packs that it came too early for. Where they are not found
// twice, a move came in between the two, and one of the packs that it moved them
// to was swept before the second: then a plan condemned it.
func (b *backup) broken(ctx context.Context, s *snapshot.Snapshot) (bool, error) {
	for range maxListings {
		for range 2 {
			if whole, err := b.whole(ctx, s); whole || err != nil {
				return false, err
			}
		}
		settled, err := b.settled(ctx)
		if err != nil {
			return false, fmt.Errorf("look for plans: %w", err)
		}
		if settled {
			return true, nil
		}
		if b.view, err = b.repo.look(ctx); err != nil {
			return false, err
		}
	}
	return false, nil
}

// whole reports whether every blob of a snapshot can be read. The snapshot may
// be a confirmed one of a host with the same name: so what counts are all packs
// there are, those that the cache has not seen and condemned ones included.
func (b *backup) whole(ctx context.Context, s *snapshot.Snapshot) (bool, error) {
	if err := b.repo.reloadIndex(ctx, b.view); err != nil {
		return false, err
	}
	err := newMarker(b.repo).mark(ctx, s)
	if err != nil && !isDamage(err) {
		return false, err
	}
	return err == nil, nil
}

// confirmedEntry is the cache entry with the ID of the last snapshot that this
// host was told is stored.
func (b *backup) confirmedEntry() string {
	return "state/confirmed/" + b.opts.Environment + "/" + b.opts.Database
}
