package repo

import (
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
)

// What is worth rewriting. See docs/design.md, "Garbage".
const (
	// A pack is rewritten when less than repackBelow of a hundred parts is needed.
	repackBelow = 40
	// Rewriting must win at least this much in all, or a tenth of the repository.
	repackGain = 1 << 20
	// Small packs of some age are merged when together they fill a pack.
	smallPack = 1 << 20
	mergeAge  = 3 * 24 * time.Hour
)

// chooseVictims finds the packs that hold nothing needed, and those that are
// worth rewriting.
func (p *prune) chooseVictims() {
	p.repacked = make(map[pack.ID]bool)
	condemned := p.view.condemned()
	var wasteful, small []pack.ID
	var gain, size, mergeable int64
	for _, id := range slices.SortedFunc(maps.Keys(p.packs), compareIDs) {
		o, live := p.packs[id], p.liveBytes(id)
		if condemned[id] {
			continue
		}
		size += o.Size
		switch {
		case live == 0:
			if p.settled(o.Time) {
				p.victims = append(p.victims, id)
			}
		case live*100 < o.Size*repackBelow:
			wasteful, gain = append(wasteful, id), gain+o.Size-live
		case o.Size < smallPack && p.age(o.Time) > mergeAge:
			small, mergeable = append(small, id), mergeable+live
		}
	}
	if gain >= min(repackGain, size/10) {
		p.rewrite(wasteful)
	}
	if mergeable >= pack.TargetSize {
		p.rewrite(small)
	}
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
func (p *prune) copyNeeded(ctx context.Context) error {
	packer := newPacker(p.repo, [16]byte{}, false)
	from := slices.SortedFunc(maps.Keys(p.live), compareIDs)
	from = slices.DeleteFunc(from, func(id pack.ID) bool { return !p.repacked[id] && !p.spare[id] })
	for _, id := range from {
		p.toCopy += p.liveBytes(id)
	}
	for _, id := range from {
		if err := p.copyPack(ctx, packer, id); err != nil {
			return err
		}
	}
	if err := packer.flush(ctx); err != nil {
		return err
	}
	packer.index()
	p.expired = append(p.expired, packer.partials...)
	for id, entries := range packer.stored {
		p.addStored(id, entries)
	}
	p.result.Copied = packer.added
	return nil
}

// addStored counts a new pack among those that are left.
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
	held := p.repo.reader.fetch(ctx, &reading, live, nil)
	for _, l := range live {
		sealed, err := p.sound(ctx, held, l)
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

// sound returns a sealed blob that opens, be it the cache that rescues it.
func (p *prune) sound(ctx context.Context, held *batch, l index.Location) (sealed []byte, err error) {
	if p.repo.reader.atHand(held, l, func(b []byte) error {
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
		p.repo.index.Spoil(l.Pack, l.ID) // a second try may find another copy
		return nil, &CorruptError{Kind: "pack", Name: l.Pack.Name(), Err: fmt.Errorf("blob %s at %d: %w", l.ID, l.Offset, err)}
	}
	return sealed, nil
}
