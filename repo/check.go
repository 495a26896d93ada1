package repo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"firn/crypt"
	"firn/objectcache"
	"firn/pack"
	"firn/snapshot"
)

// CheckOptions says how thoroughly to check.
type CheckOptions struct {
	// ReadData reads every byte of every pack, decrypts and decodes every blob
	// and compares it with its ID. Without it, Check reads only what it needs to find the
	// chunks, and damage within a chunk goes unnoticed.
	ReadData bool
	// Subset leaves packs out of ReadData; nil for none. Damage in them goes unnoticed.
	Subset func(pack.ID) bool
	// ReadSome reads one pack, chosen at random, if Subset leaves out all.
	ReadSome bool
	// Progress is called with the bytes of packs read so far and in all; nil for none.
	Progress func(done, total int64)
}

// Finding is one thing that is wrong.
type Finding struct {
	Err       error                // a CorruptError, but for an object of a later version
	Snapshots []*snapshot.Snapshot // that cannot be restored because of it, as far as known
}

// CheckResult is the outcome of [Repo.Check].
type CheckResult struct {
	Findings  []Finding
	Snapshots int
	Packs     int
	Blobs     int   // entries of all packs
	Bytes     int64 // of all packs
	Read      int64 // of the packs that ReadData has read
	Condemned int   // packs that wait to be deleted
	// Unacknowledged are snapshots whose runs were killed before their second look, so that
	// they were never acknowledged, and whose blobs are gone since. They are no findings.
	Unacknowledged []*snapshot.Snapshot
	Rollbacks      []*Rollback // of snapshots that this host has stored; they are no findings
}

// Check verifies that the repository is whole: configuration, keys, plans,
// records, notes and footers can be read, and packs hold every blob that a snapshot
// needs. The error is not nil only if the check could not be carried out; damage
// is in the result.
func (r *Repo) Check(ctx context.Context, opts CheckOptions) (*CheckResult, error) {
	c, err := r.check(ctx, opts)
	if err != nil {
		return nil, err
	}
	return &c.result, nil
}

func (r *Repo) check(ctx context.Context, opts CheckOptions) (*check, error) {
	c := &check{of: r, opts: opts, bad: make(map[pack.ID]bool)}
	c.copies, c.began = r.cache.Copies()
	c.repo = r.pastCache(c.copies)
	for _, step := range []func(context.Context) error{c.readMeta, c.readPacks, c.readData, c.walk} {
		if err := step(ctx); err != nil {
			return nil, fmt.Errorf("check: %w", err)
		}
	}
	c.keepDamaged()
	r.adopt(c)
	return c, nil
}

// pastCache returns another handle of the repository, without a cache and without anything
// that this process has read: it has only the notes of this host on its own runs. So a check
// reads everything from the store, and no cache can hide damage from it.
func (r *Repo) pastCache(known copies) *Repo {
	other := newRepo(r.opts, objectcache.Open(""), nil)
	other.id, other.keys, other.conf = r.id, r.keys, r.conf
	other.openers, other.reading = r.openers, r.reading
	other.setCredential(r.credential())
	for name, content := range known {
		if strings.HasPrefix(name, statePrefix) && name != tokenEntry {
			other.cache.Put(name, content)
		}
	}
	other.cache.Tick()
	other.opening, other.openedAt = r.takeOpening(), r.opts.now()
	return other
}

// adopt takes over the objects that a check has read, and the damage that it has found.
func (r *Repo) adopt(c *check) {
	if c.opts.ReadData && c.opts.Subset == nil { // all else is sound, whatever was read of it before
		r.damage.Replace(c.repo.damage)
	} else {
		r.damage.Merge(c.repo.damage)
	}
	r.cache.Adopt(c.repo.cache, c.began, isOwn)
	if l := c.repo.lastListing(); l != nil {
		seen := *l
		seen.began = c.began // its own time is by another clock
		r.saw(&seen)
	}
	r.share(&inventory{index: c.inventory.index.With(r.damage.Fork()), objects: c.inventory.objects, unreadable: c.inventory.unreadable})
}

// check is one run.
type check struct {
	of        *Repo
	repo      *Repo  // that of [Repo.pastCache]
	began     uint64 // by the cache's clock
	opts      CheckOptions
	listing   *listing
	inventory *inventory
	reader    *blobReader
	list      []*snapshot.Snapshot
	marker    *marker
	bad       map[pack.ID]bool // damaged packs, condemned ones too
	copies    copies           // all that the cache held when the check began
	result    CheckResult
}

func (c *check) find(err error, hit ...*snapshot.Snapshot) {
	c.result.Findings = append(c.result.Findings, Finding{Err: err, Snapshots: hit})
}

// readMeta reads everything that is not a pack, from the store.
func (c *check) readMeta(ctx context.Context) error {
	if err := c.readConfig(ctx); err != nil {
		return err
	}
	var err error
	if c.listing, err = c.repo.listMeta(ctx); err != nil {
		if !isDamage(err) && !errors.Is(err, ErrVersion) {
			return err
		}
		if c.listing, err = c.readEachPlan(ctx, err); err != nil {
			return err
		}
	}
	for _, name := range c.listing.forged { // they do no harm
		c.find(&CorruptError{Kind: "plan", Name: name, Err: errForged})
	}
	if c.list, err = c.repo.readSnapshots(ctx, c.listing); err != nil {
		if err := c.findAll(ctx, err); err != nil {
			return err
		}
	}
	c.result.Snapshots = len(c.list)
	if c.result.Rollbacks, err = c.of.rollbacksIn(ctx, c.listing, c.list, c.of.marks()...); err != nil {
		return err
	}
	if err := c.readAlives(ctx); err != nil {
		return err
	}
	for _, o := range c.listing.partials {
		if _, err := c.repo.readPartial(ctx, o.Name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			if err := c.findAll(ctx, err); err != nil {
				return err
			}
		}
	}
	return c.readKeys(ctx)
}

// readConfig reads the configuration again: the one that opened the repository
// may have come from the cache.
func (c *check) readConfig(ctx context.Context) error {
	if err := c.repo.storedConfig(ctx); err != nil {
		return c.findAll(ctx, err)
	}
	return nil
}

// readEachPlan names all plans that cannot be read, where the first listing ended at one of
// them, and returns a listing without them.
func (c *check) readEachPlan(ctx context.Context, first error) (*listing, error) {
	v, err := c.repo.listMetaToRead(ctx)
	if err != nil {
		return nil, err
	}
	before := len(c.result.Findings)
	for _, name := range v.unread {
		_, err := c.repo.plan(ctx, name)
		if errors.Is(err, fs.ErrNotExist) || err == nil {
			continue
		}
		if err := c.findAll(ctx, err); err != nil {
			return nil, err
		}
	}
	if len(c.result.Findings) == before {
		c.find(first)
	}
	return v, nil
}

// readKeys tries the credential on every slot. Of the slots of other credentials only the
// form can be checked. If none opens, a key may have been replaced meanwhile: a listing need not
// show a slot that is just being deleted, and began before its successor. So others follow.
func (c *check) readKeys(ctx context.Context) error {
	tried, spending := make(map[string]bool), newBudget()
	for range maxListings {
		objects, err := collect(ctx, c.repo.store, keyPrefix)
		if err != nil {
			return fmt.Errorf("list keys: %w", err)
		}
		if len(objects) > maxSlots {
			c.find(tooManySlots(len(objects)))
			return nil
		}
		names := slices.DeleteFunc(slotNames(objects), func(name string) bool { return tried[name] })
		if opened, err := c.tryKeys(ctx, names, spending); opened || err != nil {
			return err
		}
		for _, name := range names {
			tried[name] = true
		}
	}
	// The slot that opened the repository came from the cache.
	c.find(&CorruptError{Kind: "key", Name: keyPrefix, Err: errors.New("none can be opened any more")})
	return nil
}

// tryKeys tries the credential on slots, and reports whether one opened. It reports so, too,
// if they cost too much to try.
func (c *check) tryKeys(ctx context.Context, names []string, spending *budget) (opened bool, _ error) {
	for _, name := range names {
		_, err := c.repo.openSlot(ctx, name, c.repo.id, spending, c.of.credential())
		if errors.Is(err, ErrTooMany) {
			c.find(err)
			return true, nil
		}
		opened = opened || err == nil
		if err == nil || errors.Is(err, crypt.ErrWrongKey) || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := c.findAll(ctx, err); err != nil {
			return opened, err
		}
	}
	return opened, nil
}

// findAll adds each of joined errors that tells of damage. Other errors end the check.
func (c *check) findAll(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if ok && !isVersion(err) {
		for _, e := range joined.Unwrap() {
			if err := c.findAll(ctx, e); err != nil {
				return err
			}
		}
		return nil
	}
	if !isDamage(err) && !isVersion(err) {
		return err
	}
	c.find(err, c.inRound(ctx, err)...)
	return nil
}

func isVersion(err error) bool {
	return errors.Is(err, ErrVersion) && !isDamage(err)
}

// readPacks reads the footers of all packs.
func (c *check) readPacks(ctx context.Context) error {
	inv, err := c.repo.listInventory(ctx, c.listing)
	if err != nil {
		return err
	}
	c.goBy(inv)
	c.marker = newMarker(c.reader)
	for _, id := range slices.SortedFunc(maps.Keys(c.inventory.unreadable), compareIDs) {
		c.findPack(id, c.inventory.unreadable[id])
	}
	for _, id := range c.inventory.index.Packs() {
		c.result.Packs++
		c.result.Blobs += len(c.inventory.index.Entries(id))
	}
	for _, o := range c.inventory.objects {
		c.result.Bytes += o.Size
	}
	for id := range c.listing.condemned() {
		if c.inventory.index.Has(id) { // plans go on to name deleted packs
			c.result.Condemned++
		}
	}
	return nil
}

// goBy makes an inventory the one that the check goes by.
func (c *check) goBy(inv *inventory) { c.inventory, c.reader = inv, c.repo.newReader(inv) }

// walk looks for every blob of every snapshot. Blobs that a prune moved or swept meanwhile
// look lost: so each snapshot that seems damaged is walked once more, with a fresh
// inventory, if its record still exists.
func (c *check) walk(ctx context.Context) error {
	suspects, _, err := c.walkList(ctx, c.list)
	if err != nil || len(suspects) == 0 {
		return err
	}
	fresh, err := c.repo.listMetaToRead(ctx)
	if err != nil {
		return err
	}
	inv, err := c.repo.listInventory(ctx, fresh)
	if err != nil {
		return err
	}
	c.goBy(inv)
	suspects = c.repo.recorded(ctx, fresh, suspects)
	clear(c.marker.needed)
	c.marker.reader = c.reader
	suspects, problems, err := c.walkList(ctx, suspects)
	for i, s := range suspects {
		if fresh.unacknowledged(s, problems[i]) {
			c.result.Unacknowledged = append(c.result.Unacknowledged, s)
			continue
		}
		c.find(fmt.Errorf("snapshot %s of %s, database %s: %w", s.ID.Short(), s.Environment, s.Database, problems[i]), s)
	}
	return err
}

// walkList returns the snapshots that are damaged, and how.
func (c *check) walkList(ctx context.Context, list []*snapshot.Snapshot) (hit []*snapshot.Snapshot, problems []error, err error) {
	for s, err := range c.marker.markAll(ctx, list) {
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		if err != nil && !isDamage(err) {
			return nil, nil, err
		}
		if err == nil {
			err = c.marker.fits(s)
		}
		if err != nil {
			hit, problems = append(hit, s), append(problems, err)
		}
	}
	return hit, problems, nil
}
