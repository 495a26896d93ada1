package repo

import (
	"context"
	"encoding/hex"
	"errors"
	"io/fs"
	"slices"
	"time"

	"firn/pack"
	"firn/snapshot"
	"firn/store"
)

// A round is an object below meta/ that has the records of some snapshots and their blobs, so that
// one request stores all of them (docs/format.md, sections 4 and 5). To all that is about blobs it is
// a pack, and to all that is about records it is a number of records. It is deleted as a pack is: once
// all of its snapshots are forgotten, and the blobs that others need are elsewhere.

// roundOf returns the ID of the round that a snapshot's record is a part of, and false if the record
// has an object of its own.
func roundOf(s *snapshot.Snapshot) (pack.ID, bool) {
	if s.Round.IsZero() {
		return pack.ID{}, false
	}
	return pack.ParseName(pack.RoundPrefix + s.Round.String())
}

// roundID returns the digits in the name of a round as [snapshot.Snapshot] has them.
func roundID(id pack.ID) (digits snapshot.ID) {
	_, _ = hex.Decode(digits[:], []byte(id.Name()[len(pack.RoundPrefix):])) // it is a name
	return digits
}

// latest returns a time that none of the snapshots is after: of a round that cannot be read, the time in its name is all
// that is known.
func latest(now time.Time, records []*snapshot.Snapshot) time.Time {
	for _, s := range records {
		if s.Time.After(now) {
			now = s.Time
		}
	}
	return now
}

// recordObject returns the name of the object that a snapshot's record is in.
func recordObject(s *snapshot.Snapshot) string {
	if id, ok := roundOf(s); ok {
		return id.Name()
	}
	return s.ObjectName()
}

// recorded returns those of some snapshots that a listing shows, and that were not forgotten. One whose round, or a
// tombstone of it, cannot be read counts.
func (r *Repo) recorded(ctx context.Context, v *listing, list []*snapshot.Snapshot) []*snapshot.Snapshot {
	dead, _ := r.forgottenIn(ctx, v)
	living := make(map[snapshot.ID]map[snapshot.ID]bool) // by round, nil for one that cannot be read
	read := func(o store.Object) {
		all, err := r.round(ctx, new(snapshot.Decoder), o)
		if err != nil {
			return
		}
		id, _ := pack.ParseName(o.Name) // it could be read
		ids := make(map[snapshot.ID]bool, len(all))
		for _, s := range dead.living(o.Name, all) {
			ids[s.ID] = true
		}
		living[roundID(id)] = ids
	}
	objects := make(map[string]store.Object)
	for _, o := range v.holders() {
		objects[o.Name] = o
	}
	return slices.DeleteFunc(slices.Clone(list), func(s *snapshot.Snapshot) bool {
		o, there := objects[recordObject(s)]
		if !there || s.Round.IsZero() {
			return !there
		}
		if _, known := living[s.Round]; !known {
			read(o)
		}
		ids := living[s.Round]
		return ids != nil && !ids[s.ID]
	})
}

// readRounds reads the records in the rounds of a listing, but for those that were forgotten. It joins
// an [UnreadError] for each round that cannot be read.
func (r *Repo) readRounds(ctx context.Context, v *listing) ([]*snapshot.Snapshot, error) {
	dead, err := r.forgottenIn(ctx, v)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	problems := []error{err}
	rounds := slices.DeleteFunc(slices.Clone(v.rounds), func(o store.Object) bool { return dead.whole(o.Name) })
	found := make([]obtained[[]*snapshot.Snapshot], len(rounds))
	var decoders [objectReads]snapshot.Decoder
	err = spread(ctx, len(rounds), func(worker, i int) {
		found[i].value, found[i].err = r.round(ctx, &decoders[worker], rounds[i])
	})
	if err != nil {
		return nil, err
	}
	known := make(map[string]opened[[]*snapshot.Snapshot], len(rounds))
	var list []*snapshot.Snapshot
	for i, f := range found {
		name := rounds[i].Name
		switch {
		case f.err == nil:
			object, _ := r.cache.Get(name)
			known[name] = opened[[]*snapshot.Snapshot]{object, f.value}
			list = append(list, dead.living(name, f.value)...)
		case !errors.Is(f.err, fs.ErrNotExist): // else swept since the listing
			problems = append(problems, &UnreadError{name, f.err})
		}
	}
	r.rounds.replace(known)
	return list, errors.Join(problems...)
}

// round reads the records of a round, in their order. The caller must not change the snapshots.
func (r *Repo) round(ctx context.Context, d *snapshot.Decoder, o store.Object) ([]*snapshot.Snapshot, error) {
	entry, cached := r.cache.Get(o.Name)
	if list, ok := r.rounds.get(o.Name, entry); ok {
		return list, nil
	}
	if cached {
		if list, err := r.decodeRound(d, o, entry); err == nil {
			return list, nil
		}
	}
	id, ok := pack.ParseName(o.Name)
	if !ok {
		return nil, damaged(kindOf(o.Name), o.Name, pack.ErrFormat)
	}
	f := &footer{pack: id, size: o.Size}
	if err := r.fetchFooter(ctx, f, withNodes, true); err != nil {
		return nil, err
	}
	entry = encodeTail(f.size, f.tail)
	list, err := r.decodeRound(d, o, entry)
	if err == nil {
		r.cache.Put(o.Name, entry)
	}
	return list, err
}

// decodeRound decodes the records in the tail of a round, as the cache has it.
func (r *Repo) decodeRound(d *snapshot.Decoder, o store.Object, entry []byte) ([]*snapshot.Snapshot, error) {
	size, tail, ok := cutTail(entry)
	if !ok || size != o.Size {
		return nil, damaged(kindOf(o.Name), o.Name, pack.ErrFormat)
	}
	list, err := r.openRound(d, o.Name, size, tail)
	if err != nil {
		return nil, damaged(kindOf(o.Name), o.Name, err)
	}
	return list, nil
}

// openRound decodes the records in the last bytes of a round of some size.
func (r *Repo) openRound(d *snapshot.Decoder, name string, size int64, tail []byte) ([]*snapshot.Snapshot, error) {
	id, named := pack.ParseName(name)
	if !named {
		return nil, pack.ErrFormat
	}
	_, records, need, err := pack.ParseRound(r.keys, id, size, tail)
	if err != nil {
		return nil, err
	}
	if need > 0 {
		return nil, pack.ErrFormat
	}
	list, err := d.Round(records)
	for _, s := range list {
		s.Round = roundID(id)
	}
	return list, err
}
