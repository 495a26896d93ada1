package repo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"firn/crypt"
	"firn/index"
	"firn/pack"
	"firn/snapshot"
)

// What checks and repairs do with rounds, tombstones and signs of life.

// readAlives reads the signs of life. No data depends on them.
func (c *check) readAlives(ctx context.Context) error {
	var problems []error
	err := readAll(ctx, c.repo, objectNames(c.listing.alives), c.repo.openAlive, func(_ string, _ *Alive, err error) {
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			problems = append(problems, err)
		}
	})
	if err != nil || len(problems) == 0 {
		return err
	}
	return c.findAll(ctx, errors.Join(problems...))
}

// inRound returns the snapshots in a round that an error tells of, as far as this host has read them before.
func (c *check) inRound(ctx context.Context, err error) []*snapshot.Snapshot {
	corrupt, ok := errors.AsType[*CorruptError](err)
	if !ok {
		return nil
	}
	for _, entry := range c.copies.of(corrupt.Name) {
		size, tail, ok := cutTail(entry)
		if !ok {
			continue
		}
		if list, err := c.repo.openRound(new(snapshot.Decoder), corrupt.Name, size, tail); err == nil {
			dead, _ := c.repo.forgottenIn(ctx, c.listing) // its problems are findings already
			return dead.living(corrupt.Name, list)
		}
	}
	return nil
}

// readTombstones reads the tombstones. A damaged one counts if there is a copy of it.
func (s *metadataScan) readTombstones(ctx context.Context) error {
	for _, o := range s.listing.tombstones {
		open := func(b []byte) (*tombstone, error) { return s.repo.openTombstone(nil, o.Name, b) }
		t, err := read(ctx, s.repo, o.Name, open)
		if errors.Is(err, fs.ErrNotExist) {
			continue // its rounds are gone
		}
		if err := s.noteDamage(ctx, o.Name, err); err != nil {
			return err
		}
		if w := s.damaged[o.Name]; w != nil && w.sound != nil {
			t, err = open(w.sound)
		}
		if err == nil {
			s.dead.add(t)
		}
	}
	return nil
}

// readRounds reads the records in rounds, and adds those in rounds that can be put back.
func (s *metadataScan) readRounds(ctx context.Context) error {
	names, err := s.withReturning(ctx, pack.RoundPrefix, s.listing.rounds)
	if err != nil {
		return err
	}
	for i, name := range names {
		if s.dead.whole(name) { // it is but a pack
			delete(s.damaged, name)
			continue
		}
		var list []*snapshot.Snapshot
		if s.damaged[name] == nil {
			list, err = s.repo.round(ctx, new(snapshot.Decoder), s.listing.rounds[i])
			if errors.Is(err, fs.ErrNotExist) {
				continue // swept since the listing
			}
			if err := s.noteDamage(ctx, name, err); err != nil {
				return err
			}
		}
		if w := s.damaged[name]; w != nil && w.sound != nil {
			list, _ = s.repo.openRound(new(snapshot.Decoder), name, int64(len(w.sound)), w.sound)
		}
		s.list = append(s.list, s.dead.living(name, list)...)
	}
	return nil
}

// roundCopy returns the true bytes of a round whose end is damaged, nil if this host does not know its end. Blobs that are
// damaged, too, stay so: each is sealed by itself, and no reader takes it. It reports whether there are none.
func (r *Repo) roundCopy(ctx context.Context, c copies, id pack.ID) (sound []byte, isWhole bool, err error) {
	object, err := whole(ctx, r.store, id.Name())
	if err != nil && !isDamage(err) && !errors.Is(err, fs.ErrNotExist) {
		return nil, false, fmt.Errorf("read %s: %w", id.Name(), err)
	}
	for _, entry := range c.of(id.Name()) {
		if r.verify(id.Name(), entry) == nil { // a repair has kept all of it
			sound = entry
		} else if size, tail, ok := cutTail(entry); ok && object != nil && size <= pack.MaxSize && int64(len(tail)) <= size {
			sound = withTail(id, object, size, tail)
		}
		if sound != nil && r.verify(id.Name(), sound) == nil {
			return sound, r.mendBlobs(id, sound), nil
		}
	}
	return nil, false, nil
}

// withTail returns a round of some size that has the tail at its end, and before it what an object has.
func withTail(id pack.ID, object []byte, size int64, tail []byte) []byte {
	sound := make([]byte, size)
	copy(sound, object)
	header := crypt.Header(id.Kind())
	copy(sound, header[:])
	copy(sound[size-int64(len(tail)):], tail)
	return sound
}

// mendBlobs puts the blobs that the cache of packs has into a round in place of damaged ones, and reports whether all are
// sound then.
func (r *Repo) mendBlobs(id pack.ID, object []byte) bool {
	entries, _, err := pack.ParseTail(r.keys, id, int64(len(object)), object)
	isWhole := err == nil
	for _, e := range entries {
		blob := object[e.Offset:][:e.Length]
		if _, err := pack.OpenBlob(r.keys, nil, e, blob); err == nil {
			continue
		}
		known, _, ok := r.packs.Get(index.Location{Pack: id, Entry: e})
		if ok {
			_, err := pack.OpenBlob(r.keys, nil, e, known)
			ok = err == nil
		}
		if ok {
			copy(blob, known)
		}
		isWhole = isWhole && ok
	}
	return isWhole
}

// putBackRound puts a round back under its name, as that is in its seals. Partial records stand for its snapshots while it
// is away: for all with notes, as a prune would take these for orphans. They name the round, too, whose tombstones stay.
func (x *repair) putBackRound(ctx context.Context, name string, sound []byte) error {
	list, err := x.repo.openRound(new(snapshot.Decoder), name, int64(len(sound)), sound)
	if err != nil {
		return err
	}
	list = x.scan.dead.living(name, list)
	packs, err := x.packsOf(ctx, list...)
	if err != nil {
		return err
	}
	if id, _ := pack.ParseName(name); !slices.Contains(packs, id) {
		packs = append(packs, id)
	}
	noted := make(map[snapshot.ID]bool)
	for _, o := range x.scan.listing.notes {
		id, _ := snapshot.ParseNoteName(o.Name)
		noted[id] = true
	}
	for i, s := range list {
		if i > 0 && !noted[s.ID] {
			continue
		}
		if err := x.protect(ctx, s, packs); err != nil {
			return err
		}
	}
	return x.putBackAs(ctx, name, sound)
}

// putBackAnew stores the content of a tombstone or a sign of life under a new name. So nothing is away at any time.
func (x *repair) putBackAnew(ctx context.Context, name string, sound []byte) error {
	x.remove = append(x.remove, name)
	kind, _ := objectKind(name)
	plain, err := x.repo.keys.OpenObject(kind, name, sound)
	if err != nil {
		return err
	}
	fresh := newTombstoneName()
	if isAlive(name) {
		fresh = newAliveName()
	}
	return x.repo.store.Put(ctx, fresh, x.repo.keys.SealObject(kind, fresh, plain))
}
