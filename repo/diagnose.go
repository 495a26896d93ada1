package repo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"firn/index"
	"firn/pack"
	"firn/snapshot"
)

// Diagnosis is the outcome of a full check, and a plan for [Repo.Repair].
// Objects are named as in the store.
type Diagnosis struct {
	Check *CheckResult

	// PutBack are damaged or missing objects below meta/ of which this host has sound
	// copies. A plan's copy goes into a new plan, that of a key slot or a note gets a new
	// name.
	PutBack []string
	// Packs are damaged. They will be condemned once their sound and needed blobs were
	// copied, which are Copied bytes. These include blobs of packs that an earlier repair
	// condemned without knowing what they hold. A later prune deletes the packs.
	Packs  []string
	Copied int64
	// Plans are damaged, and this host does not know which packs they condemned. They can
	// be replaced only if no other process, on any host, uses the repository, not
	// even one that is suspended.
	Plans []string
	// Deleted are damaged records, notes, tombstones and key slots that cannot be put back. With a
	// record its snapshot is lost, with a note the facts that it told; with a tombstone,
	// snapshots that were forgotten are back. Of damaged rounds the snapshots are forgotten,
	// and a later prune deletes the round.
	Deleted []string
	// Left is damaged, and cannot be repaired here.
	Left []string
	// Lost are the snapshots that cannot be restored. A backup that stores the
	// blobs anew heals them; RepairOptions.ForgetLost removes them.
	Lost []*snapshot.Snapshot

	copies copies
	bad    map[pack.ID]bool
	tails  map[pack.ID][]pack.Entry // of packs whose footers are damaged, from the cache
}

// Repairs reports whether there is anything to do but to forget snapshots.
func (d *Diagnosis) Repairs() bool {
	return len(d.PutBack)+len(d.Packs)+len(d.Plans)+len(d.Deleted) > 0 || d.Copied > 0
}

// Diagnose checks the repository to the last byte, past the cache, and plans a repair. It
// changes nothing. The error matches [ErrVersion] if a
// later version of firn wrote something: then this one must not touch anything.
func (r *Repo) Diagnose(ctx context.Context, progress func(done, total int64)) (*Diagnosis, error) {
	c, err := r.check(ctx, CheckOptions{ReadData: true, Progress: progress})
	if err != nil {
		return nil, err
	}
	d := &Diagnosis{Check: &c.result, copies: c.copies, bad: c.bad, tails: make(map[pack.ID][]pack.Entry)}
	if err := d.complete(ctx, r); err != nil {
		return nil, fmt.Errorf("diagnose: %w", err)
	}
	return d, nil
}

func (d *Diagnosis) complete(ctx context.Context, r *Repo) error {
	s, err := r.scanMetadata(ctx, d.copies)
	if err != nil {
		return err
	}
	d.sort(s)
	l, err := r.listMetaToRead(ctx)
	if err != nil {
		return err
	}
	inv, err := r.listInventory(ctx, l)
	if err != nil {
		return err
	}
	reader := r.newReader(inv)
	for id := range inv.unreadable {
		d.bad[id] = true
		if err := d.salvage(ctx, reader, id); err != nil {
			return err
		}
	}
	d.mend(r, inv.index)
	x := &rescue{repo: r, diagnosis: d, scan: s, inventory: inv}
	if err := x.choose(ctx); err != nil {
		return err
	}
	for _, id := range x.prune.victims {
		d.Packs = append(d.Packs, id.Name())
	}
	d.Lost = x.lost
	if len(d.Check.Findings) > 0 { // else the next prune copies them anyway
		d.Copied = x.toCopy()
	}
	return nil
}

// sort puts each damaged object below meta/ into its list.
func (d *Diagnosis) sort(s *metadataScan) {
	for _, name := range s.names() {
		list := &d.Left
		switch w := s.damaged[name]; {
		case w.sound != nil:
			list = &d.PutBack
		case strings.HasPrefix(name, planPrefix) && !s.repo.isForgedPlan(name):
			list = &d.Plans
		case strings.HasPrefix(name, snapshot.Prefix), strings.HasPrefix(name, snapshot.NotePrefix),
			strings.HasPrefix(name, partialPrefix), strings.HasPrefix(name, planPrefix), isKeyName(name) && s.opens,
			strings.HasPrefix(name, pack.RoundPrefix), isTombstone(name):
			list = &d.Deleted
		}
		*list = append(*list, name)
	}
}

// salvage finds the blobs of a pack whose footer is damaged by the copy of it in
// the cache, and spoils in the index those that are damaged themselves.
func (d *Diagnosis) salvage(ctx context.Context, reader *blobReader, id pack.ID) error {
	r := reader.repo
	entries := d.copies.entries(r.keys, id)
	if entries == nil {
		return nil
	}
	object, err := whole(ctx, r.store, id.Name())
	if errors.Is(err, fs.ErrNotExist) || isDamage(err) {
		return nil // swept since, or no pack at all
	}
	if err != nil {
		return fmt.Errorf("read pack %s: %w", id, err)
	}
	d.tails[id] = entries
	reader.index().Add(id, entries)
	for _, e := range entries {
		if int64(e.Offset)+int64(e.Length) > int64(len(object)) {
			reader.index().Spoil(id, e.ID)
		} else if _, err := reader.openBlob(ctx, index.Location{Pack: id, Entry: e}, object); err != nil {
			return err
		}
	}
	return nil
}

// mend finds the damaged blobs of which the cache of packs has sound copies. These can be
// saved like the blobs that the pack still holds.
func (d *Diagnosis) mend(r *Repo, x *index.Index) {
	for id := range d.bad {
		for _, e := range x.Entries(id) {
			l := index.Location{Pack: id, Entry: e}
			if sealed, _, ok := r.packs.Get(l); ok {
				if _, err := pack.OpenBlob(r.keys, nil, e, sealed); err == nil {
					x.Mend(id, e.ID)
				}
			}
		}
	}
}

// rescue saves the sound blobs of damaged packs. It is a prune that chooses these packs,
// goes on although blobs are lost, and deletes nothing.
//
// Invariant 5 forbids a prune to condemn while an object cannot be read. A rescue may,
// because condemning takes nothing away. If a blob turns out to be needed after all, since
// another host could put a damaged record back, a later prune finds and copies it; and that
// prune deletes only if it can read every record and finds all their blobs elsewhere. To
// the protocol a rescue is a prune that dies after step P5.
type rescue struct {
	repo      *Repo
	diagnosis *Diagnosis
	scan      *metadataScan
	inventory *inventory
	prune     *prune
	lost      []*snapshot.Snapshot
}

// choose finds the victims, the blobs that must be copied, and the lost snapshots. The
// inventory must be of a listing of packs that was made after the scan.
func (x *rescue) choose(ctx context.Context) error {
	r := x.repo
	x.prune = r.newPrune(PruneOptions{})
	x.prune.listing = x.scan.listing
	x.prune.goBy(x.inventory)
	for id, entries := range x.diagnosis.tails {
		if x.inventory.unreadable[id] != nil {
			x.inventory.index.Add(id, entries)
		}
	}
	condemned := x.scan.listing.condemned()
	for _, o := range x.inventory.objects {
		id, ok := pack.ParseName(o.Name)
		if !ok {
			continue
		}
		x.prune.packs[id] = o
		if x.diagnosis.bad[id] && !condemned[id] {
			x.prune.victims = append(x.prune.victims, id)
		}
	}
	for _, id := range slices.Concat(x.prune.victims, slices.Collect(maps.Keys(condemned))) {
		x.inventory.index.Condemn(id)
	}
	if err := x.mark(ctx); err != nil {
		return err
	}
	return x.prune.locate()
}

// mark finds the needed blobs that can still be read.
func (x *rescue) mark(ctx context.Context) error {
	m := newMarker(x.prune.reader)
	for s, err := range m.markAll(ctx, x.scan.list) {
		if isDamage(err) {
			x.lost = append(x.lost, s)
		} else if err != nil {
			return err
		}
	}
	x.prune.needed = m.found()
	return nil
}

// toCopy returns how many bytes of needed blobs only condemned packs hold.
func (x *rescue) toCopy() (n int64) {
	for id := range x.prune.spare {
		if x.prune.spare[id] {
			n += x.prune.liveBytes(id)
		}
	}
	return n
}

// run copies the blobs, and publishes the plan, if there are packs to condemn or a plan to
// replace. Concurrent prunes and backups learn of the plan as of any prune's.
func (x *rescue) run(ctx context.Context, replace bool) error {
	if err := x.prune.copyNeeded(ctx, newPacker(x.repo, x.scan.listing, [16]byte{}, false)); err != nil {
		return err
	}
	if err := x.prune.verify(); err != nil {
		return err
	}
	if len(x.prune.victims) == 0 && !replace {
		return nil
	}
	return x.prune.putPlan(ctx)
}
