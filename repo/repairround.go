package repo

import (
	"context"
	"errors"
	"io/fs"

	"firn/pack"
	"firn/snapshot"
)

// readRounds adds the snapshots of rounds, and takes note of damaged tombstones and rounds.
func (s *metadataScan) readRounds(ctx context.Context) error {
	dead, err := s.readTombstones(ctx)
	if err != nil {
		return err
	}
	for _, o := range s.listing.rounds {
		if dead.whole(o.Name) {
			continue
		}
		all, err := s.repo.round(ctx, new(snapshot.Decoder), o)
		if errors.Is(err, fs.ErrNotExist) {
			continue // swept since the listing
		}
		if err := s.noteDamage(ctx, o.Name, err); err != nil {
			return err
		}
		s.list = append(s.list, dead.living(o.Name, all)...)
	}
	snapshot.Sort(s.list)
	return nil
}

func (s *metadataScan) readTombstones(ctx context.Context) (graves, error) {
	r, dead := s.repo, make(graves)
	for _, o := range s.listing.tombstones {
		open := func(b []byte) (*tombstone, error) { return r.openTombstone(nil, o.Name, b) }
		t, err := read(ctx, r, o.Name, open)
		if errors.Is(err, fs.ErrNotExist) {
			continue // its rounds are gone
		}
		if err := s.noteDamage(ctx, o.Name, err); err != nil {
			return nil, err
		}
		if w := s.damaged[o.Name]; w != nil && w.sound != nil {
			t, err = open(w.sound)
		}
		if err == nil {
			dead.add(t)
		}
	}
	return dead, nil
}

// putBackTombstone stores a tombstone under a new name, so that at no time its snapshots are back.
func (x *repair) putBackTombstone(ctx context.Context, name string, sound []byte) error {
	x.remove = append(x.remove, name)
	t, err := x.repo.openTombstone(nil, name, sound)
	if err != nil {
		return err
	}
	return x.repo.putTombstone(ctx, t.Rounds)
}

// buryRounds forgets the snapshots of those objects of a list that are rounds, and returns the others. No host can read
// these rounds, and only a prune may delete them: others may need their blobs.
func (x *repair) buryRounds(ctx context.Context, names []string) (others []string, err error) {
	var rounds []deceased
	for _, name := range names {
		if id, ok := pack.ParseName(name); ok {
			rounds = append(rounds, deceased{Round: id})
			x.result.Deleted = append(x.result.Deleted, name)
		} else {
			others = append(others, name)
		}
	}
	return others, x.repo.putTombstone(ctx, rounds)
}
