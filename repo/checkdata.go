package repo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"

	"firn/crypt"
	"firn/index"
	"firn/pack"
	"firn/store"
)

// readData reads the packs from the first to the last byte. Deltas whose bases a prune
// moves meanwhile look damaged: so every pack that seems damaged is read once more, with a
// fresh inventory.
func (c *check) readData(ctx context.Context) error {
	if !c.opts.ReadData {
		return nil
	}
	chosen := c.opts.Subset
	if chosen == nil {
		chosen = func(pack.ID) bool { return true }
	}
	if c.opts.ReadSome {
		chosen = c.atLeastOne(chosen)
	}
	suspects, err := c.readEach(ctx, chosen)
	if err != nil || len(suspects) == 0 {
		return err
	}
	inv, err := c.repo.freshInventory(ctx, withNodes)
	if err != nil {
		return err
	}
	c.goBy(inv)
	suspects, err = c.readEach(ctx, func(id pack.ID) bool { return suspects[id] != nil })
	for _, id := range slices.SortedFunc(maps.Keys(suspects), compareIDs) {
		c.findPack(id, &CorruptError{Kind: kindOf(id.Name()), Name: id.Name(), Err: suspects[id]})
	}
	return err
}

// atLeastOne returns a choice of packs that is not empty, unless the repository is.
func (c *check) atLeastOne(chosen func(pack.ID) bool) func(pack.ID) bool {
	var all []pack.ID
	for _, o := range c.inventory.objects {
		if id, ok := pack.ParseName(o.Name); ok && c.inventory.index.Has(id) {
			all = append(all, id)
		}
	}
	if len(all) == 0 || slices.ContainsFunc(all, chosen) {
		return chosen
	}
	one := all[rand.IntN(len(all))]
	return func(id pack.ID) bool { return id == one }
}

// findPack takes note of a damaged pack. Damage in a condemned pack is no finding, as
// nothing relies on the pack any more. If a snapshot needs a blob that is nowhere else, the
// walk finds out.
func (c *check) findPack(id pack.ID, err error) {
	c.bad[id] = true
	told := func(f Finding) bool { // of a round, by the look at its records
		corrupt, ok := errors.AsType[*CorruptError](f.Err)
		return ok && corrupt.Name == id.Name()
	}
	if !c.listing.condemned()[id] && !slices.ContainsFunc(c.result.Findings, told) {
		c.find(err)
	}
}

// readEach reads the chosen packs, and returns an error for each damaged one.
func (c *check) readEach(ctx context.Context, chosen func(pack.ID) bool) (map[pack.ID]error, error) {
	var packs []store.Object
	var done, total int64
	for _, o := range c.inventory.objects {
		if id, ok := pack.ParseName(o.Name); ok && c.inventory.index.Has(id) && chosen(id) {
			packs, total = append(packs, o), total+o.Size
		}
	}
	problems := make(map[pack.ID]error)
	for _, o := range packs {
		id, _ := pack.ParseName(o.Name) // it is one
		problem, err := c.readPack(ctx, id, o)
		if err != nil {
			return nil, err
		}
		if problem != nil {
			problems[id] = problem
		}
		done += o.Size
		if c.opts.Progress != nil {
			c.opts.Progress(done, total)
		}
	}
	c.result.Read = max(c.result.Read, total) // not of the second look
	return problems, nil
}

// readPack checks one pack's header, footer and blobs.
func (c *check) readPack(ctx context.Context, id pack.ID, o store.Object) (problem, err error) {
	object, err := c.repo.store.Get(ctx, o.Name, 0, o.Size)
	if errors.Is(err, fs.ErrNotExist) {
		c.inventory.index.Remove(id) // swept since the listing, or lost: the walk tells
		return nil, nil
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return err, nil
	}
	if err != nil {
		return nil, err
	}
	if header := crypt.Header(id.Kind()); !bytes.HasPrefix(object, header[:]) {
		problem = pack.ErrFormat
	}
	entries, _, err := pack.ParseTail(c.repo.keys, id, int64(len(object)), object)
	if err != nil || !slices.Equal(entries, c.inventory.index.Entries(id)) {
		problem = errors.Join(problem, pack.ErrFormat, err)
	}
	bad, err := c.openBlobs(ctx, id, object)
	return errors.Join(problem, bad), err
}

// openBlobs decodes every blob of a pack and returns one error for all that are
// damaged.
func (c *check) openBlobs(ctx context.Context, id pack.ID, object []byte) (problem, err error) {
	bad := 0
	for _, e := range c.inventory.index.Entries(id) {
		damage, err := c.reader.openBlob(ctx, index.Location{Pack: id, Entry: e}, object)
		if err != nil {
			return nil, err
		}
		if damage == nil {
			continue
		}
		if bad++; bad == 1 {
			problem = fmt.Errorf("%s blob %s at %d: %w", e.Kind, e.ID, e.Offset, damage)
		}
	}
	if bad > 0 {
		problem = fmt.Errorf("%d of its blobs are damaged, the first: %w", bad, problem)
	}
	return problem, nil
}

// openBlob decodes one blob. A prune may leave a delta, which no snapshot needs, without its
// base: of such a delta only the seal can be checked. The same holds if the base is
// damaged, as that is no damage of this pack.
func (b *blobReader) openBlob(ctx context.Context, l index.Location, object []byte) (problem, err error) {
	sealed := object[l.Offset : l.Offset+l.Length]
	var base []byte
	lost := l.IsDelta() && b.index().Chain(l.Base) == nil
	if l.IsDelta() && !lost {
		if base, err = b.read(ctx, l.Base); err != nil && !isDamage(err) {
			return nil, err
		}
		lost = err != nil
	}
	if lost {
		_, problem = pack.OpenBlob(b.repo.keys, nil, l.Entry, sealed)
	} else {
		_, problem = b.openSealed(l, sealed, base, nil)
	}
	if problem != nil {
		b.index().Spoil(l.Pack, l.ID)
	}
	return problem, ctx.Err()
}
