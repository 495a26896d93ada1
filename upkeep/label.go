package upkeep

import (
	"context"
	"slices"

	"firn/config"
	"firn/outcome"
	"firn/repo"
	"firn/session"
	"firn/snapshot"
	"firn/tags"
)

// Labelled is a snapshot as it is labelled now.
type Labelled struct {
	Snapshot *snapshot.Snapshot
	Changed  bool // false: it was labelled so before
}

// AddTags adds tags to a snapshot, which is named by its ID, latest, latest-verified or a time. Tags that say what a
// snapshot is are refused.
func AddTags(ctx context.Context, s *session.Session, ref string, added ...string) (*Labelled, error) {
	return changeTags(ctx, s, ref, added, tags.Set.Add)
}

// RemoveTags removes tags from a snapshot, which is named by its ID, latest, latest-verified or a time. Tags that say
// what a snapshot is are refused, unless they are wrong.
func RemoveTags(ctx context.Context, s *session.Session, ref string, removed ...string) (*Labelled, error) {
	return changeTags(ctx, s, ref, removed, func(s tags.Set, removed ...string) (tags.Set, error) { return s.Remove(removed...), nil })
}

func changeTags(ctx context.Context, s *session.Session, ref string, args []string, change func(tags.Set, ...string) (tags.Set, error)) (*Labelled, error) {
	if _, err := tags.New(args...); err != nil {
		return nil, outcome.Usage("", "%w", err)
	}
	all, err := label(ctx, s, []string{ref}, func(snap *snapshot.Snapshot) (*snapshot.Note, error) {
		changed, err := change(snap.Tags, args...)
		if err == nil {
			err = checkLabels(snap, changed)
		}
		if err != nil || slices.Equal(changed, snap.Tags) {
			return nil, err
		}
		snap.Tags = changed
		return &snapshot.Note{Labels: &snapshot.Labels{Time: s.Now(), Tags: changed}}, nil
	})
	if err != nil {
		return nil, err
	}
	return &all[0], nil
}

// checkLabels refuses a change of tags that say what a snapshot is, unless it takes away a wrong one.
func checkLabels(s *snapshot.Snapshot, changed tags.Set) error {
	for _, tag := range firmTags(s) {
		if s.Tags.Has(tag) && !changed.Has(tag) {
			return config.OwnTag(tag)
		}
	}
	return config.CheckTags(changed.Remove(s.Tags...), s.Environment, s.Database)
}

// firmTags returns the tags that say what a snapshot is.
func firmTags(s *snapshot.Snapshot) tags.Set {
	return tags.Set{tags.Environment(s.Environment), tags.Database(s.Database), repo.PreRestoreTag}
}

// FreeTags returns the tags of a snapshot that [RemoveTags] removes.
func FreeTags(s *snapshot.Snapshot) tags.Set { return s.Tags.Remove(firmTags(s)...) }

// Pin keeps retention from removing snapshots, or leaves them to it again. They are named by their IDs, latest,
// latest-verified or a time, and all found before anything is changed. With an error, the result has those that are done.
func Pin(ctx context.Context, s *session.Session, refs []string, pinned bool) ([]Labelled, error) {
	return label(ctx, s, refs, func(snap *snapshot.Snapshot) (*snapshot.Note, error) {
		if snap.Pinned == pinned {
			return nil, nil
		}
		snap.Pinned = pinned
		return &snapshot.Note{Pin: &snapshot.Pin{Time: s.Now(), Pinned: pinned}}, nil
	})
}

// label stores notes on snapshots. All of them are found before anything is changed. The function changes the snapshot as
// its note will, or returns no note if the snapshot is labelled so already.
func label(ctx context.Context, s *session.Session, refs []string, change func(*snapshot.Snapshot) (*snapshot.Note, error)) (done []Labelled, err error) {
	known, err := s.Catalog(ctx) // damage elsewhere keeps no snapshot from being labelled
	if err != nil {
		return nil, err
	}
	var chosen []*snapshot.Snapshot
	for _, ref := range refs {
		snap, err := known.Find(known.All, ref, false)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(chosen, snap) {
			chosen = append(chosen, snap)
		}
	}
	for _, snap := range chosen {
		labelled := *snap
		note, err := change(&labelled)
		if err == nil && note != nil {
			note.Snapshot = snap.ID
			err = s.Repo.Note(ctx, *note)
		}
		if err != nil {
			return done, err
		}
		done = append(done, Labelled{&labelled, note != nil})
	}
	return done, nil
}
