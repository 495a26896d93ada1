package repo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"time"

	"firn/chunk"
	"firn/index"
	"firn/pack"
	"firn/snapshot"
	"firn/store"
)

const (
	defaultOrphanAge = 24 * time.Hour
	// pruneEvery is how often a run that only prunes when due does so.
	pruneEvery = 6 * time.Hour
	// mostPrunes is how often a prune begins anew because others are at work.
	mostPrunes = 5
	// prunedEntry is the cache entry with the Unix time of the last prune here.
	prunedEntry = "state/pruned"
)

// Prune frees the space of blobs that no snapshot needs. It works in two steps that
// may be hours apart: one run condemns packs, a later one deletes them. If any
// record or plan, or the footer of a pack that is not condemned, cannot be read,
// or a needed blob is missing, it condemns nothing and returns an error that
// matches [CorruptError]. The steps are named as in docs/format.md, section 6.
func (r *Repo) Prune(ctx context.Context, opts PruneOptions) (*PruneResult, error) {
	p := r.newPrune(opts)
	result, err := p.run(ctx)
	for again := 0; isDamage(err) && again < mostPrunes; again++ {
		// A blob that another prune has moved or swept meanwhile looks damaged. Damage that two runs find in the same
		// repository is there.
		next := r.newPrune(opts)
		next.earlier = &p.unacknowledged
		if result, err = next.run(ctx); next.listing.same(p.listing) {
			break
		}
		p = next
	}
	if err != nil {
		return nil, fmt.Errorf("prune: %w", err)
	}
	if !opts.DryRun && !result.Skipped {
		r.cache.Put(prunedEntry, []byte(strconv.FormatInt(r.opts.now().Unix(), 10)))
	}
	r.cache.Flush()
	return result, nil
}

func (r *Repo) newPrune(opts PruneOptions) *prune {
	return &prune{
		repo: r, opts: opts, unacknowledged: unacknowledgedSet{ids: make(map[snapshot.ID]bool)},
		packs: make(map[pack.ID]store.Object), uploads: make(map[pack.ID]bool), live: make(map[pack.ID]map[chunk.ID]index.Location),
	}
}

func (p *prune) run(ctx context.Context) (*PruneResult, error) {
	r, opts := p.repo, p.opts
	if seen := r.lastListing(); opts.IfDue && seen != nil && !r.pruneDue(seen, opts.Every) { // no listing is spent on it
		p.result.Skipped = true
		return &p.result, nil
	}
	var err error
	if p.listing, err = r.listMeta(ctx); err != nil { // P1
		return nil, err
	}
	p.unacknowledged.token = p.listing.token
	if opts.IfDue && !r.pruneDue(p.listing, opts.Every) {
		p.result.Skipped = true
		return &p.result, nil
	}
	for _, step := range []func(context.Context) error{p.distrustForeign, p.listPacks, p.findNeeded, p.confirmUnacknowledged, p.findOrphans, p.sweep, p.condemn, p.finish} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	if !p.stale {
		r.share(p.inventory)
	}
	if p.result.NoRoom != nil && p.result.Deleted+p.result.Condemned == 0 {
		return nil, p.result.NoRoom
	}
	return &p.result, nil
}

// prune is one run.
type prune struct {
	repo      *Repo
	opts      PruneOptions
	listing   *listing
	inventory *inventory
	reader    *blobReader
	stale     bool // the inventory takes packs for condemned that are not

	unacknowledged unacknowledgedSet  // unacknowledged records
	earlier        *unacknowledgedSet // of a run before this one; nil for none
	seen           []byte             // see [seenIn]

	packs    map[pack.ID]store.Object // as listed
	expired  []string                 // partial records that protect nothing any more, notes on snapshots that are gone
	surely   map[snapshot.ID]bool     // the snapshots that no tombstone names; nil if all tombstones count
	living   map[pack.ID]bool         // rounds with snapshots that were not forgotten: they must stay
	records  map[snapshot.ID]bool     // the snapshots that the records are of
	uploads  map[pack.ID]bool         // packs in partial records, and rounds that a repair puts back
	needed   map[chunk.ID]error       // blobs that snapshots refer to; all errors are nil
	live     map[pack.ID]map[chunk.ID]index.Location
	spare    map[pack.ID]bool  // condemned packs that must not be deleted yet
	stranded map[chunk.ID]bool // needed blobs that no other packs hold
	late     []pack.ID         // condemned packs that may be deleted, but only after the copying
	victims  []pack.ID         // to be condemned
	repacked map[pack.ID]bool  // of the victims, those whose needed blobs are copied
	plans    []string          // names of the plans that were published; the last counts

	copied, toCopy int64 // bytes of their blobs, for Progress

	result PruneResult
}

// goBy makes an inventory the one that the run goes by.
func (p *prune) goBy(inv *inventory) { p.inventory, p.reader = inv, p.repo.newReader(inv) }

// pruneDue reports whether the last prune, here or anywhere, is long ago. The
// clock decides about cost only.
func (r *Repo) pruneDue(v *listing, every time.Duration) bool {
	last := r.prunedHere()
	if v.planned.After(last) {
		last = v.planned
	}
	age := r.opts.now().Sub(last)
	return age < 0 || age >= cmp.Or(every, pruneEvery)
}

// prunedHere returns when this host pruned last, zero if its cache does not tell.
func (r *Repo) prunedHere() time.Time {
	b, ok := r.cache.Get(prunedEntry)
	if !ok {
		return time.Time{}
	}
	seconds, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(seconds, 0)
}

// listPacks lists the packs, after the records: a record that appears later
// belongs to a backup that looks again before it is acknowledged.
func (p *prune) listPacks(ctx context.Context) error {
	inv, err := p.repo.listInventory(ctx, p.listing)
	if err != nil {
		return err
	}
	p.goBy(inv)
	condemned := p.listing.condemned()
	var problems []error
	for id, err := range p.inventory.unreadable {
		if !condemned[id] {
			problems = append(problems, err)
		}
	}
	for _, o := range p.inventory.objects {
		id, ok := pack.ParseName(o.Name)
		// A condemned pack that cannot be read goes with the others: all needed blobs
		// must be found elsewhere, else this run refuses.
		unreadable := p.inventory.unreadable[id] != nil && condemned[id]
		if ok && (p.inventory.index.Has(id) || unreadable) {
			p.packs[id] = o
		}
	}
	return errors.Join(problems...)
}

// findNeeded is step P2: it finds every blob that a snapshot or an upload under way refers
// to, and the places of that and its bases. All records must be readable.
func (p *prune) findNeeded(ctx context.Context) error {
	list, err := p.repo.readRecords(ctx, p.listing)
	if err != nil {
		return err
	}
	p.takeIn(list)
	m := newMarker(p.reader)
	var problems []error
	var whole []*snapshot.Snapshot
	inPart := false // snapshots of which only some blobs are there
	for s, err := range m.markAll(ctx, list) {
		switch {
		case err == nil:
			whole = append(whole, s)
		case p.doubted(s) && isDamage(err):
			inPart = true
		case p.goOnWithout(s, err):
			p.result.Unacknowledged = append(p.result.Unacknowledged, s)
		default:
			problems = append(problems, fmt.Errorf("snapshot %s of %s: %w", s.ID.Short(), s.Environment, err))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	p.seen, p.needed = seenIn(whole), m.needed
	if inPart || len(p.result.Unacknowledged) > 0 {
		p.needed = m.found()
	}
	if err := p.markPartials(ctx); err != nil {
		return err
	}
	return p.locate()
}

// age returns how old an object is by the store's clock, as far as its newest
// object and ours tell. It decides about cost only.
func (p *prune) age(written time.Time) time.Duration {
	clock := p.listing.newest.Time
	if now := p.repo.opts.now(); now.After(clock) {
		clock = now
	}
	return clock.Sub(written)
}

// markPartials adds the blobs that uploads under way have stored.
func (p *prune) markPartials(ctx context.Context) error {
	for _, o := range p.listing.partials {
		if p.age(o.Time) > partialLife {
			p.expired = append(p.expired, o.Name)
			continue
		}
		record, err := p.repo.readPartial(ctx, o.Name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // the upload has just finished
		}
		if err != nil {
			return err
		}
		for _, id := range record.Packs {
			p.uploads[id] = true
			for _, e := range p.inventory.index.Entries(id) {
				if p.inventory.index.Chain(e.ID) != nil {
					p.needed[e.ID] = nil
				}
			}
		}
	}
	return nil
}

// locate chooses for every needed blob the places that shall go on to hold it and its bases.
// If only condemned packs hold a blob, these packs are spared, and the blob is copied out.
func (p *prune) locate() error {
	p.spare, p.stranded = make(map[pack.ID]bool), make(map[chunk.ID]bool)
	for id := range p.needed {
		chain := p.inventory.index.AvailableChain(id)
		if chain == nil {
			if chain = p.inventory.index.Chain(id); chain == nil {
				return &CorruptError{Kind: "blob", Name: id.String(), Err: errMissing}
			}
			p.stranded[id] = true
			for _, l := range chain {
				p.spare[l.Pack] = p.spare[l.Pack] || l.Condemned
			}
		}
		for _, l := range chain {
			if p.live[l.Pack] == nil {
				p.live[l.Pack] = make(map[chunk.ID]index.Location)
			}
			p.live[l.Pack][l.ID] = l
		}
	}
	return nil
}

// condemn is steps P4 and P5. Packs without needed blobs are condemned first, as that takes
// only the room of a plan. The copies after that may use up all the room that is left.
// Where there is no room for copies, packs that were not copied whole stay as they are.
func (p *prune) condemn(ctx context.Context) error {
	if p.opts.DryRun {
		p.result.Condemned = len(p.victims)
		return nil
	}
	rewritten := slices.DeleteFunc(slices.Clone(p.victims), func(id pack.ID) bool { return !p.repacked[id] })
	useless := slices.DeleteFunc(p.victims, func(id pack.ID) bool { return p.repacked[id] })
	p.victims = nil
	if len(p.toBeCopied()) > 0 {
		if err := p.publish(ctx, useless); err != nil || p.result.NoRoom != nil {
			return err
		}
		useless = nil
	}
	packer := newPacker(p.repo, p.listing, [16]byte{}, false)
	err := p.copyNeeded(ctx, packer)
	if errors.Is(err, store.ErrNoSpace) {
		p.result.NoRoom, err = err, nil
		rewritten = slices.DeleteFunc(rewritten, func(id pack.ID) bool { return !p.copiedWhole(id, packer) })
	}
	if err != nil {
		return err
	}
	return p.publish(ctx, append(useless, rewritten...))
}

// verify makes sure, before anything is published, that every needed blob is available
// without the victims. A blob that only condemned packs hold must be so once it is copied.
func (p *prune) verify() error {
	for id := range p.needed {
		if !p.inventory.index.Available(id) && !(p.stranded[id] && p.inventory.index.Chain(id) != nil) {
			return fmt.Errorf("internal error: blob %s would be lost, nothing was condemned", id)
		}
	}
	return nil
}

// publish is step P5: the new plan names the victims and every pack that the
// plans before it named and that still exists. Condemnation is never revoked.
func (p *prune) publish(ctx context.Context, ids []pack.ID) error {
	if len(ids) == 0 {
		return nil
	}
	for _, id := range ids {
		p.inventory.index.Condemn(id)
	}
	if err := p.verify(); err != nil {
		return err
	}
	before := p.victims
	p.victims = append(slices.Clone(before), ids...)
	err := p.putPlan(ctx)
	if errors.Is(err, store.ErrNoSpace) { // the packs that were deleted were deleted rightly
		p.result.NoRoom, p.victims = err, before
		p.stale = true
		return nil
	}
	p.result.Condemned = len(p.victims)
	return err
}

// putPlan stores the plan.
func (p *prune) putPlan(ctx context.Context) error {
	next := &plan{Version: formatVersion, Sequence: p.listing.sequence() + 1 + uint64(len(p.plans)), Host: p.repo.opts.Host, Condemned: p.victims, Seen: p.seen}
	next.Condemned = append(next.Condemned, p.carried()...)
	if len(next.Condemned) > maxNamed {
		return fmt.Errorf("publish plan: %d packs are condemned, a plan names %d at most", len(next.Condemned), maxNamed)
	}
	name := newPlanName(p.repo.keys, next.Sequence)
	b, err := next.seal(p.repo.keys, name)
	if err != nil {
		return err
	}
	if err := p.repo.store.Put(ctx, name, b); err != nil {
		return fmt.Errorf("publish plan: %w", err)
	}
	p.plans = append(p.plans, name)
	return nil
}

// carried returns the packs that were condemned before and still exist.
func (p *prune) carried() []pack.ID {
	var ids []pack.ID
	for id := range p.listing.condemned() {
		if _, exists := p.packs[id]; exists {
			ids = append(ids, id)
		}
	}
	return ids
}
