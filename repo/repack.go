package repo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"time"

	"firn/index"
	"firn/pack"
	"firn/snapshot"
)

// Limits for rewriting packs. See docs/design.md, "Garbage".
const (
	// At most so many percent of all packs may be of no use.
	wasteMost = 5
	// Rewriting must win at least this much in all, or a tenth of the repository.
	repackGain = 1 << 20
	// Small packs of some age are merged when together they fill a pack.
	smallPack = 1 << 20
	mergeAge  = 3 * 24 * time.Hour
)

// neededPack is a pack of which something is needed.
type neededPack struct {
	id         pack.ID
	size, live int64 // of the pack, and of one that has only its needed blobs
}

func (h neededPack) waste() int64 { return h.size - h.live }

// chooseVictims finds the packs without needed blobs, and the packs that are worth
// rewriting.
func (p *prune) chooseVictims() {
	p.repacked = make(map[pack.ID]bool)
	condemned := p.listing.condemned()
	var needed []neededPack
	for _, id := range slices.SortedFunc(maps.Keys(p.packs), compareIDs) {
		o := p.packs[id]
		switch {
		case condemned[id], p.living[id]:
		case id.IsRound():
			p.chooseRound(id)
		case len(p.live[id]) > 0:
			needed = append(needed, neededPack{id, o.Size, p.liveSize(id)})
		case p.settled(o.Time):
			p.victims = append(p.victims, id)
		}
	}
	p.rewrite(wasteful(needed))
	p.rewrite(p.mergeable(needed))
	p.limitVictims(maxNamed - len(p.carried()))
}

// takeIn takes note of the snapshots that there are.
func (p *prune) takeIn(list []*snapshot.Snapshot) {
	p.living, p.records = make(map[pack.ID]bool), make(map[snapshot.ID]bool, len(list))
	for _, s := range list {
		p.records[s.ID] = true
		if id, ok := roundOf(s); ok {
			p.living[id] = true
		}
	}
}

// chooseRound makes a round without living snapshots a victim, whatever is needed of it: rounds are many
// and small, and every run lists them. It cannot belong to a backup that is running, as a backup
// writes its record with it.
func (p *prune) chooseRound(id pack.ID) {
	p.victims = append(p.victims, id)
	p.repacked[id] = len(p.live[id]) > 0
}

// limitVictims leaves the victims that the next plan has no room for to a later run.
func (p *prune) limitVictims(room int) {
	n := min(max(room, 0), len(p.victims))
	for _, id := range p.victims[n:] {
		delete(p.repacked, id)
	}
	p.victims = p.victims[:n]
}

// wasteful chooses the packs that waste the largest part of themselves, until all
// together waste little: so each byte that is copied wins the most.
func wasteful(needed []neededPack) []pack.ID {
	var size, waste, gain int64
	for _, h := range needed {
		size, waste = size+h.size, waste+h.waste()
	}
	worst := slices.SortedStableFunc(slices.Values(needed), func(a, b neededPack) int {
		return cmp.Compare(float64(b.waste())/float64(b.size), float64(a.waste())/float64(a.size))
	})
	var ids []pack.ID
	for _, h := range worst {
		if (waste-gain)*100 <= (size-gain)*wasteMost {
			break
		}
		ids, gain = append(ids, h.id), gain+h.waste()
	}
	if gain < min(repackGain, size/10) {
		return nil
	}
	return ids
}

// mergeable returns small packs that together fill one, and are not rewritten anyway.
func (p *prune) mergeable(needed []neededPack) []pack.ID {
	var ids []pack.ID
	var live int64
	for _, h := range needed {
		if h.size < smallPack && p.age(p.packs[h.id].Time) > mergeAge && !p.repacked[h.id] {
			ids, live = append(ids, h.id), live+h.live
		}
	}
	if live < pack.TargetSize {
		return nil
	}
	return ids
}

// liveSize returns the size of a pack that has only the needed blobs of another.
func (p *prune) liveSize(id pack.ID) int64 {
	var entries []pack.Entry
	for _, l := range p.live[id] {
		entries = append(entries, l.Entry)
	}
	return pack.Size(entries)
}

func compareIDs(a, b pack.ID) int { return slices.Compare(a[:], b[:]) }

func (p *prune) rewrite(ids []pack.ID) {
	p.victims = append(p.victims, ids...)
	for _, id := range ids {
		p.repacked[id] = true
	}
}

// settled reports whether a pack that no snapshot needs is old enough not to
// belong to a backup that is running now.
func (p *prune) settled(written time.Time) bool {
	age := p.opts.OrphanAge
	if age == 0 {
		age = defaultOrphanAge
	}
	return age < 0 || p.age(written) > age
}

func (p *prune) liveBytes(id pack.ID) int64 {
	var n int64
	for _, l := range p.live[id] {
		n += int64(l.Length)
	}
	return n
}

// copyNeeded copies the needed blobs of packs to be rewritten, and those that
// only condemned packs hold, into new packs. Sealed blobs are not bound to
// their pack: they are copied as they are, but opened to see that they are sound.
// After an error, the index has the packs that were stored.
func (p *prune) copyNeeded(ctx context.Context, packer *packer) error {
	from := slices.SortedFunc(maps.Keys(p.live), compareIDs)
	from = slices.DeleteFunc(from, func(id pack.ID) bool { return !p.repacked[id] && !p.spare[id] })
	for _, id := range from {
		p.toCopy += p.liveBytes(id)
	}
	err := p.copyPacks(ctx, packer, from)
	packer.addTo(p.inventory.index)
	p.expired = append(p.expired, packer.partials...)
	for _, id := range packer.stored.Packs() {
		p.addStored(id, packer.stored.Entries(id))
	}
	p.result.Copied = packer.added
	if err == nil {
		p.stranded = nil
	}
	return err
}

func (p *prune) copyPacks(ctx context.Context, packer *packer, from []pack.ID) error {
	for _, id := range from {
		if err := p.copyPack(ctx, packer, id); err != nil {
			return err
		}
	}
	return packer.flush(ctx)
}

// copiedWhole reports whether new packs have all that is needed of a pack.
func (p *prune) copiedWhole(id pack.ID, packer *packer) bool {
	for blob := range p.live[id] {
		if !packer.stored.Holds(blob) {
			return false
		}
	}
	return true
}

// addStored counts a new pack among the packs that are left.
func (p *prune) addStored(id pack.ID, entries []pack.Entry) {
	o := p.packs[id]
	o.Name = id.Name()
	for _, e := range entries {
		o.Size += int64(e.Length)
	}
	p.packs[id] = o
}

// copyPack copies the live blobs of one pack, in the order of their offsets.
func (p *prune) copyPack(ctx context.Context, packer *packer, id pack.ID) error {
	var reading sync.WaitGroup
	defer reading.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	live := distinct(slices.Collect(maps.Values(p.live[id])))
	ready := p.reader.fetch(ctx, &reading, live, nil)
	for _, l := range live {
		sealed, err := p.sound(ctx, ready, l)
		if err != nil {
			return err
		}
		p.copied += int64(l.Length)
		if p.opts.Progress != nil {
			p.opts.Progress(p.copied, p.toCopy)
		}
		if !packer.claim(l.ID) {
			continue
		}
		if err := packer.add(ctx, l.Entry, sealed); err != nil {
			return err
		}
	}
	return nil
}

// sound returns a sealed blob that opens, from the cache if that has it.
func (p *prune) sound(ctx context.Context, ready *batch, l index.Location) (sealed []byte, err error) {
	if p.reader.atHand(ready, l, func(b []byte) error {
		sealed = b
		_, err := pack.OpenBlob(p.repo.keys, nil, l.Entry, b)
		return err
	}) {
		return sealed, nil
	}
	sealed, err = p.repo.store.Get(ctx, l.Pack.Name(), int64(l.Offset), int64(l.Length))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, &CorruptError{Kind: "pack", Name: l.Pack.Name(), Err: err}
	}
	if err != nil {
		return nil, fmt.Errorf("copy blob %s of pack %s: %w", l.ID, l.Pack, err)
	}
	if _, err := pack.OpenBlob(p.repo.keys, nil, l.Entry, sealed); err != nil {
		p.inventory.index.Spoil(l.Pack, l.ID) // a second try may find another copy
		return nil, &CorruptError{Kind: "pack", Name: l.Pack.Name(), Err: fmt.Errorf("blob %s at %d: %w", l.ID, l.Offset, err)}
	}
	return sealed, nil
}
