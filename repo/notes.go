package repo

import (
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
	"firn/store"
)

// Note stores facts about a snapshot that [Repo.Snapshots] has returned. The note names the
// snapshot and has the fields with the facts; Note fills in its time and host. Of each
// field, the note that was stored last counts. Note deletes older notes on the snapshot
// that have no fields but these, as far as the store allows.
func (r *Repo) Note(ctx context.Context, n snapshot.Note) error {
	old := r.knownNotes(n.Snapshot)
	n.Host, n.Time = r.opts.Host, r.opts.now().UTC().Truncate(time.Microsecond)
	for _, o := range old {
		if !n.Time.After(o.Time) { // by a clock that is ahead of this one
			n.Time = o.Time.Add(time.Microsecond)
		}
	}
	plain, err := n.Marshal()
	if err != nil {
		return fmt.Errorf("make note: %w", err)
	}
	name := snapshot.NewNoteName(n.Snapshot)
	stored, err := r.putNote(ctx, name, plain)
	if err != nil {
		return fmt.Errorf("write note on snapshot %s: %w", n.Snapshot.Short(), err)
	}
	replaced := r.dropReplaced(ctx, stored, old)
	r.noted(store.Object{Name: name, Time: n.Time}, replaced)
	r.cache.Flush()
	return nil
}

// putNote stores the plaintext of a note.
func (r *Repo) putNote(ctx context.Context, name string, plain []byte) (*snapshot.Note, error) {
	object := r.keys.SealObject(crypt.ObjectNote, name, plain)
	n, err := r.openNote(new(snapshot.Decoder), name, object)
	if err != nil {
		return nil, fmt.Errorf("verify %s: %w", name, err)
	}
	r.dropOpening()
	if err := r.store.Put(ctx, name, object); err != nil {
		return nil, err
	}
	r.cache.Put(name, object)
	return n, nil
}

// knownNotes returns the notes on a snapshot that were read: they are in the cache.
func (r *Repo) knownNotes(id snapshot.ID) []*snapshot.Note {
	var notes []*snapshot.Note
	r.cache.Each(func(name string, object []byte) {
		if of, ok := snapshot.ParseNoteName(name); ok && of == id {
			if n, err := r.openNote(new(snapshot.Decoder), name, object); err == nil {
				notes = append(notes, n)
			}
		}
	})
	return notes
}

// dropReplaced deletes the notes that a new one stands for, and returns the names of those
// that it has deleted. Its errors do not matter: a note that stays is passed over, and goes
// the next time or with its snapshot.
func (r *Repo) dropReplaced(ctx context.Context, by *snapshot.Note, old []*snapshot.Note) []string {
	var names []string
	for _, o := range old {
		if by.Replaces(o) {
			names = append(names, o.Name)
		}
	}
	if len(names) == 0 || r.remove(ctx, names...) != nil {
		return nil
	}
	r.cache.Remove(names...)
	return names
}

// note reads one note.
func (r *Repo) note(ctx context.Context, name string) (*snapshot.Note, error) {
	return read(ctx, r, name, func(b []byte) (*snapshot.Note, error) {
		return r.decodeNote(new(snapshot.Decoder), name, b)
	})
}

// decodeNote is openNote with errors that tell of damage.
func (r *Repo) decodeNote(d *snapshot.Decoder, name string, object []byte) (*snapshot.Note, error) {
	n, err := r.openNote(d, name, object)
	if err != nil {
		return nil, damaged("note", name, err)
	}
	return n, nil
}

func (r *Repo) openNote(d *snapshot.Decoder, name string, object []byte) (*snapshot.Note, error) {
	plain, err := r.keys.OpenObject(crypt.ObjectNote, name, object)
	if err != nil {
		return nil, err
	}
	n, err := d.Note(plain)
	if err != nil {
		return nil, err
	}
	if id, ok := snapshot.ParseNoteName(name); !ok || id != n.Snapshot {
		return nil, errors.New("the note belongs to another name")
	}
	n.Name = name
	return n, nil
}

// learn fills in the facts that the notes of a listing tell of its snapshots. It marks
// snapshots with a note that cannot be read, and joins an error for each such note.
func (r *Repo) learn(ctx context.Context, v *listing, list []*snapshot.Snapshot) error {
	notes := make(map[snapshot.ID][]*snapshot.Note)
	unread := make(map[snapshot.ID]bool)
	var problems []error
	err := readAll(ctx, r, objectNames(v.notes), r.decodeNote, func(name string, n *snapshot.Note, err error) {
		id, _ := snapshot.ParseNoteName(name)
		switch {
		case err == nil:
			notes[id] = append(notes[id], n)
		case !errors.Is(err, fs.ErrNotExist): // else replaced since
			unread[id] = true
			problems = append(problems, err)
		}
	})
	if err != nil {
		return err
	}
	for _, s := range list {
		s.Learn(notes[s.ID])
		s.NoteUnread = unread[s.ID]
	}
	return errors.Join(problems...)
}

// noteNames returns the names of the notes on some snapshots that this host has seen. The
// next prune deletes any others.
func (r *Repo) noteNames(ids []snapshot.ID) []string {
	names, wanted := make(map[string]bool), idSet(ids)
	add := func(name string) {
		if id, ok := snapshot.ParseNoteName(name); ok && wanted[id] {
			names[name] = true
		}
	}
	r.cache.Each(func(name string, _ []byte) { add(name) })
	for _, o := range r.peekOpening() {
		add(o.Name)
	}
	if last := r.lastListing(); last != nil {
		for _, o := range last.notes {
			add(o.Name)
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// findOrphans finds the notes on snapshots that are gone. A listing without the record is no
// proof: it may have come too early for the record and in time for a note on it, or while a
// repair puts the record back. So two more listings are made, of partial records first: a
// partial record stands for a record while that is away.
func (p *prune) findOrphans(ctx context.Context) error {
	orphans := make(map[snapshot.ID][]string)
	for _, o := range p.listing.notes {
		if id, ok := snapshot.ParseNoteName(o.Name); ok {
			orphans[id] = append(orphans[id], o.Name)
		}
	}
	for _, o := range p.listing.records {
		delete(orphans, idAtEnd(o))
	}
	for id := range p.records { // those in rounds, too
		delete(orphans, id)
	}
	if len(orphans) == 0 || p.opts.DryRun {
		return nil
	}
	for _, prefix := range []string{partialPrefix, snapshot.Prefix, pack.RoundPrefix} {
		for o, err := range listed(ctx, p.repo.store, prefix) {
			if err != nil {
				return fmt.Errorf("look for snapshots of notes: %w", err)
			}
			if err := p.dropRecorded(ctx, o, orphans); err != nil {
				return err
			}
		}
	}
	for _, names := range orphans {
		p.expired = append(p.expired, names...)
	}
	return nil
}

// dropRecorded takes the snapshots that an object below meta/ has the records of out of a map.
func (p *prune) dropRecorded(ctx context.Context, o store.Object, orphans map[snapshot.ID][]string) error {
	if !strings.HasPrefix(o.Name, pack.RoundPrefix) {
		delete(orphans, idAtEnd(o))
		return nil
	}
	if contains(p.listing.rounds, o.Name) { // its snapshots are known
		return nil
	}
	list, err := p.repo.round(ctx, new(snapshot.Decoder), o)
	if errors.Is(err, fs.ErrNotExist) { // swept since the listing
		return nil
	}
	for _, s := range list {
		delete(orphans, s.ID)
	}
	if errors.Is(err, fs.ErrNotExist) { // all its snapshots are forgotten
		return nil
	}
	return err
}

// idAtEnd returns the ID with which the name of a record ends, or a partial one's.
func idAtEnd(o store.Object) snapshot.ID {
	id, _ := snapshot.ParseID(o.Name[strings.LastIndexByte(o.Name, '-')+1:]) // zero for none: no snapshot has it
	return id
}
