package repo

import (
	"context"
	"fmt"
	"slices"

	"firn/chunk"
	"firn/pack"
	"firn/snapshot"
	"firn/store"
)

// packSetState begins, after statePrefix, the names of the cache entries that tell, of
// the last image of each database, which packs it relies on.
const packSetState = "reliance"

// packSet is what such an entry seals: the packs that made every blob of a tree available
// under a set of plans. As long as the plans are the same and a listing shows these packs,
// the tree can be relied on again without reading it: a prune deletes no pack that no plan
// names, and the listing does not show a pack that was lost by accident.
type packSet struct {
	Root  chunk.ID         `json:"root"`
	Token string           `json:"token"`
	Packs map[string]int64 `json:"packs"` // sizes by name
}

// unchanged reports whether the image is that of the previous snapshot, whose blobs can be
// relied on. Then the record points at them.
func (b *backup) unchanged(ctx context.Context, source Source) (bool, error) {
	if b.opts.ForceScan || b.opts.copied != nil || b.previous == nil {
		return false, nil
	}
	now, same, err := b.recognise(ctx, source)
	if err != nil || !same {
		return false, err
	}
	available, err := b.previousAvailable(ctx)
	if err == nil && available {
		b.reuse(ctx, now)
	}
	return available, err
}

// recognise compares the image with the previous snapshot's fingerprint. It closes the
// image before the store is asked for anything: that may take long, and would hold up the
// source.
func (b *backup) recognise(ctx context.Context, source Source) (now snapshot.Image, same bool, err error) {
	image, err := source(ctx)
	if err != nil {
		return now, false, err
	}
	defer image.Close()
	old := b.previous.Image()
	return image.Describe(), b.trusted(old, image) && image.Unchanged(old.Fingerprint), nil
}

// previousAvailable reports whether the blobs of the previous snapshot can be relied on.
func (b *backup) previousAvailable(ctx context.Context) (bool, error) {
	if b.previous.Token == b.listing.token && b.repo.opts.TrustCache {
		return true, nil // nothing was condemned since it was confirmed
	}
	old := b.previous.Image()
	if there, err := b.packsThere(ctx, old.Root); there || err != nil {
		return there, err
	}
	if err := b.loadInventory(ctx); err != nil {
		return false, err
	}
	tree, err := b.nodes().loadTree(ctx, b.previous)
	if err != nil {
		return false, ctx.Err() // not readable: read the database instead
	}
	b.tree = tree
	return b.inventory.available(tree), nil
}

// trusted reports whether the fingerprint of an older image may spare reading this one.
func (b *backup) trusted(old *snapshot.Image, image SourceImage) bool {
	return b.readLately(old) && len(old.Fingerprint) > 0 && image.Describe().Export == old.Export
}

// readLately reports whether all pages of an image were read not long ago.
func (b *backup) readLately(old *snapshot.Image) bool {
	age := b.started.Sub(old.ReadAt)
	return age >= 0 && age <= fullScanEvery
}

// reuse makes the record point at the previous snapshot's image; now describes the database.
func (b *backup) reuse(ctx context.Context, now snapshot.Image) {
	same := *b.previous.Image()
	same.Fingerprint, same.Access = now.Fingerprint, now.Access // these can change while the content does not
	b.record.Images = []snapshot.Image{same}
	b.record.Parent = b.previous.ID
	b.record.Chunks = b.previous.Chunks
	b.record.Unchanged = true
	b.same = true
	b.proveSame(ctx, b.previous)
}

// rememberPacks remembers the packs that the new image relies on, if they were found out. Where
// the cache is believed about packs, its token says as much.
func (b *backup) rememberPacks() {
	if b.tree == nil || b.opts.copied != nil || b.repo.opts.TrustCache {
		return
	}
	packs, ok := b.inventory.index.Carriers(b.tree.IDs())
	if !ok {
		return
	}
	known := packSet{Root: b.tree.Root(), Token: b.listing.token, Packs: make(map[string]int64, len(packs))}
	for _, id := range packs {
		size := pack.Size(b.inventory.index.Entries(id))
		if id.IsRound() { // its size depends on its records, too
			at := slices.IndexFunc(b.listing.rounds, func(o store.Object) bool { return o.Name == id.Name() })
			if at < 0 {
				return
			}
			size = b.listing.rounds[at].Size
		}
		known.Packs[id.Name()] = size
	}
	b.repo.putState(b.repo.stateEntry(packSetState, b.opts.Environment, b.opts.Database), known)
}

// packsThere reports whether all packs that the tree of this root relied on are still there.
// It reads no footer and no node.
func (b *backup) packsThere(ctx context.Context, root chunk.ID) (bool, error) {
	var known packSet
	if !b.repo.getState(b.repo.stateEntry(packSetState, b.opts.Environment, b.opts.Database), &known) || known.Root != root || known.Token != b.listing.token {
		return false, nil
	}
	seen := func(o store.Object) {
		if size, ok := known.Packs[o.Name]; ok && size == o.Size {
			delete(known.Packs, o.Name)
		}
	}
	for _, o := range b.listing.rounds {
		seen(o)
	}
	for o, err := range listed(ctx, b.repo.store, pack.Prefix) {
		if err != nil {
			return false, fmt.Errorf("list packs: %w", err)
		}
		seen(o)
	}
	return len(known.Packs) == 0, nil
}
