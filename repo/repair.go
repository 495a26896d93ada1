package repo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"firn/crypt"
	"firn/pack"
	"firn/snapshot"
)

// lastAttempt is for how long a run that is told to stop goes on to put back an object that
// it has just deleted.
const lastAttempt = 10 * time.Second

// RepairOptions says which losses a repair may accept.
type RepairOptions struct {
	ForgetLost bool // forget the snapshots that cannot be restored
}

// RepairResult is the outcome of a repair. Objects are named as in the store.
type RepairResult struct {
	PutBack   []string
	Condemned int      // damaged packs
	Copied    int64    // bytes saved out of them
	Deleted   []string // damaged records, notes, slots and plans
	Forgotten []*snapshot.Snapshot
}

// Repair does what a diagnosis says, as far as it still holds. Objects that were put right,
// went away or were damaged since then are left alone. Backups and prunes may run
// meanwhile, unless the diagnosis names Plans. Repair may stop or die anywhere, and is then
// done again from [Repo.Diagnose].
//
// The order: needed blobs of damaged packs are copied before the packs are condemned; the
// plan that stands for damaged plans is stored before these are deleted; snapshots are
// forgotten last.
func (r *Repo) Repair(ctx context.Context, d *Diagnosis, opts RepairOptions) (*RepairResult, error) {
	x := &repair{repo: r, diagnosis: d, opts: opts}
	if err := x.run(ctx); err != nil {
		return &x.result, fmt.Errorf("repair: %w", err)
	}
	r.cache.Flush()
	return &x.result, nil
}

// repair is one run.
type repair struct {
	repo      *Repo
	diagnosis *Diagnosis
	opts      RepairOptions
	scan      *metadataScan
	rescue    *rescue
	remove    []string // objects to delete once all else was stored
	result    RepairResult
}

func (x *repair) run(ctx context.Context) error {
	r := x.repo
	r.dropOpening()
	var err error
	if x.scan, err = r.scanMetadata(ctx, x.diagnosis.copies); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{x.rescuePacks, x.putBack, x.delete, x.forgetLost} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// agreed returns the objects of a list of the diagnosis that are still damaged.
func (x *repair) agreed(list []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(name string) bool { return x.scan.damaged[name] == nil })
}

// rescuePacks copies the sound blobs that are needed, and publishes the plan. It tries twice,
// since a concurrent prune may move blobs meanwhile.
func (x *repair) rescuePacks(ctx context.Context) error {
	plans := slices.DeleteFunc(x.agreed(slices.Concat(x.diagnosis.PutBack, x.diagnosis.Plans)), func(name string) bool {
		return !strings.HasPrefix(name, planPrefix)
	})
	x.keepUnagreed(plans)
	err := x.tryRescue(ctx, len(plans) > 0)
	if isDamage(err) {
		err = x.tryRescue(ctx, len(plans) > 0)
	}
	if err != nil {
		return err
	}
	x.result.Condemned, x.result.Copied = len(x.rescue.prune.victims), x.rescue.prune.result.Copied
	x.remove = slices.Concat(x.rescue.prune.expired, slices.DeleteFunc(plans, func(name string) bool { return name == planPrefix }))
	return nil
}

// keepUnagreed leaves plans alone that were damaged after the diagnosis: the next
// one will name them.
func (x *repair) keepUnagreed(agreed []string) {
	for name := range x.scan.damaged {
		if strings.HasPrefix(name, planPrefix) && !x.repo.isForgedPlan(name) && !slices.Contains(agreed, name) {
			delete(x.scan.damaged, name)
		}
	}
}

func (x *repair) tryRescue(ctx context.Context, replacePlans bool) error {
	inv, err := x.repo.listInventory(ctx, x.scan.listing)
	if err != nil {
		return err
	}
	x.rescue = &rescue{repo: x.repo, diagnosis: x.diagnosis, scan: x.scan, inventory: inv}
	if err := x.rescue.choose(ctx); err != nil {
		return err
	}
	return x.rescue.run(ctx, replacePlans)
}

// putBack restores objects below meta/ from their copies. It passes over plans, as the new
// plan names the packs that they named.
func (x *repair) putBack(ctx context.Context) error {
	for _, name := range x.agreed(x.diagnosis.PutBack) {
		var err error
		switch sound := x.scan.damaged[name].sound; {
		case sound == nil:
			continue
		case isKeyName(name):
			err = x.putBackKey(ctx, name, sound)
		case strings.HasPrefix(name, snapshot.Prefix):
			err = x.putBackRecord(ctx, name, sound)
		case strings.HasPrefix(name, snapshot.NotePrefix):
			err = x.putBackNote(ctx, name, sound)
		case strings.HasPrefix(name, pack.RoundPrefix):
			err = x.putBackRound(ctx, name, sound)
		case isTombstone(name), isAlive(name):
			err = x.putBackAnew(ctx, name, sound)
		case name == configName:
			err = x.putBackAs(ctx, name, sound)
		}
		if err != nil {
			return fmt.Errorf("put back %s: %w", name, err)
		}
		x.result.PutBack = append(x.result.PutBack, name)
	}
	return nil
}

// putBackKey stores a slot under a new name, since slots are not bound to theirs:
// at no time is there one fewer. A repair that died here has done so already.
func (x *repair) putBackKey(ctx context.Context, name string, sound []byte) error {
	x.remove = append(x.remove, name)
	objects, err := collect(ctx, x.repo.store, keyPrefix)
	if err != nil {
		return err
	}
	for _, o := range objects {
		if b, err := whole(ctx, x.repo.store, o.Name); err == nil && bytes.Equal(b, sound) {
			return nil
		}
	}
	return x.repo.store.Put(ctx, newKeyName(), sound)
}

// putBackNote stores a note under a new name, too, for the same reason.
func (x *repair) putBackNote(ctx context.Context, name string, sound []byte) error {
	x.remove = append(x.remove, name)
	id, _ := snapshot.ParseNoteName(name)
	plain, err := x.repo.keys.OpenObject(crypt.ObjectNote, name, sound)
	if err == nil {
		_, err = x.repo.putNote(ctx, snapshot.NewNoteName(id), plain)
	}
	return err
}

// putBackRecord keeps prunes from taking the snapshot's packs for garbage while
// its record is not there: a repair may be suspended just then. A partial record
// names them; if this run dies, it stands for a week.
func (x *repair) putBackRecord(ctx context.Context, name string, sound []byte) error {
	s, err := x.repo.openRecord(new(snapshot.Decoder), name, sound)
	if err != nil {
		return err
	}
	packs, err := x.packsOf(ctx, s)
	if err == nil {
		err = x.protect(ctx, s, packs)
	}
	if err != nil {
		return err
	}
	return x.putBackAs(ctx, name, sound)
}

// packsOf returns the packs that have what snapshots need, as far as it is there.
func (x *repair) packsOf(ctx context.Context, list ...*snapshot.Snapshot) ([]pack.ID, error) {
	m := newMarker(x.rescue.prune.reader)
	for _, s := range list {
		if err := m.mark(ctx, s); err != nil && !isDamage(err) {
			return nil, err
		}
	}
	packs := make(map[pack.ID]bool)
	for id := range m.needed {
		for _, l := range x.rescue.inventory.index.Chain(id) {
			packs[l.Pack] = true
		}
	}
	return slices.Collect(maps.Keys(packs)), nil
}

// protect stores a partial record of a snapshot, which stands for its record while that is away.
func (x *repair) protect(ctx context.Context, s *snapshot.Snapshot, packs []pack.ID) error {
	partial, err := x.repo.putPartial(ctx, &partial{Version: formatVersion, ID: s.ID, Host: x.repo.opts.Host, Packs: packs})
	if err == nil {
		x.remove = append(x.remove, partial)
	}
	return err
}

// putBackAs deletes a damaged object and puts its true bytes under the same name. Names are
// used once so that no reader takes two contents for one. That rule holds: one content was
// ever sealed under this name, no reader has accepted a byte of the damaged one, and a
// reader in between finds no object. The cache remembers the true bytes until they are back.
func (x *repair) putBackAs(ctx context.Context, name string, sound []byte) error {
	r := x.repo
	r.cache.Put(returningPrefix+name, sound)
	r.cache.Flush()
	b, err := whole(ctx, r.store, name)
	switch {
	case err == nil && r.verify(name, b) == nil:
		sound = b // another repair was faster
	case err == nil, isDamage(err), errors.Is(err, fs.ErrNotExist):
		if err := r.remove(ctx, name); err != nil {
			return err
		}
		err := r.store.Put(ctx, name, sound)
		if ctx.Err() != nil { // told to stop between the two: a last attempt
			last, cancel := lastChance(ctx)
			defer cancel()
			err = r.store.Put(last, name, sound)
		}
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	default:
		return err
	}
	if _, round := pack.ParseName(name); !round { // of a round, the cache has the tail
		r.cache.Put(name, sound)
	}
	r.cache.Erase(returningPrefix + name)
	return nil
}

// delete removes the objects that cannot be put back, and those that the steps before have
// replaced.
func (x *repair) delete(ctx context.Context) error {
	var lost []deceased
	for _, name := range x.agreed(x.diagnosis.Deleted) {
		if x.scan.damaged[name].sound == nil && (!isKeyName(name) || x.scan.opens) {
			if id, round := pack.ParseName(name); round {
				lost = append(lost, deceased{Round: id})
				continue
			}
			x.remove = append(x.remove, name)
		}
	}
	if err := x.repo.putTombstone(ctx, lost); err != nil { // a prune deletes them
		return err
	}
	for _, d := range lost {
		x.result.Deleted = append(x.result.Deleted, d.Round.Name())
	}
	if len(x.remove) == 0 {
		return nil
	}
	var ids []snapshot.ID
	for _, name := range x.remove {
		if id, ok := snapshot.ParseObjectName(name); ok {
			ids = append(ids, id)
		}
	}
	if err := x.repo.removeRecords(ctx, ids, x.remove...); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	x.result.Deleted = append(x.result.Deleted, x.agreed(x.remove)...)
	return nil
}

// forgetLost forgets the snapshots that the diagnosis called lost and no backup has healed
// since. Blobs that a prune moves during the search seem lost, too: so a second search,
// after all else was done, must miss them again.
func (x *repair) forgetLost(ctx context.Context) error {
	if !x.opts.ForgetLost || len(x.rescue.lost) == 0 {
		return nil
	}
	s, err := x.repo.scanMetadata(ctx, x.diagnosis.copies)
	if err != nil {
		return err
	}
	inv, err := x.repo.listInventory(ctx, s.listing)
	if err != nil {
		return err
	}
	again := &rescue{repo: x.repo, diagnosis: x.diagnosis, scan: s, inventory: inv}
	if err := again.choose(ctx); err != nil {
		return err
	}
	var ids []snapshot.ID
	for _, s := range again.lost {
		same := func(other *snapshot.Snapshot) bool { return other.ID == s.ID }
		if slices.ContainsFunc(x.rescue.lost, same) && slices.ContainsFunc(x.diagnosis.Lost, same) {
			ids = append(ids, s.ID)
			x.result.Forgotten = append(x.result.Forgotten, s)
		}
	}
	return x.repo.forgetForGood(ctx, ids)
}
