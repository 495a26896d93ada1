package repo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"firn/crypt"
	"firn/pack"
	"firn/snapshot"
	"firn/store"
)

// Snapshots returns the snapshots of the repository, newest first, with the facts from
// their notes. If some records or notes cannot be read, it returns the others together with
// an error that joins a [CorruptError], or the store's error, for each; see [Unread]. Lists
// share the slices and pointers in snapshots, which the caller must not change.
func (r *Repo) Snapshots(ctx context.Context) ([]*snapshot.Snapshot, error) {
	v, err := r.listMetaToRead(ctx)
	if err != nil {
		return nil, err
	}
	return r.readSnapshots(ctx, v)
}

// readSnapshots reads the records of a listing and the notes on them.
func (r *Repo) readSnapshots(ctx context.Context, v *listing) ([]*snapshot.Snapshot, error) {
	list, err := r.readRecords(ctx, v)
	if list == nil {
		return nil, err
	}
	unread := r.learn(ctx, v, list)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return list, errors.Join(err, unread)
}

// readRecords reads the records of a listing without the notes. Snapshots that were forgotten
// since the listing are left out.
func (r *Repo) readRecords(ctx context.Context, v *listing) ([]*snapshot.Snapshot, error) {
	r.dropOldRecords(v)
	list := make([]*snapshot.Snapshot, 0, len(v.records))
	var problems []error
	known := make(map[string]opened[*snapshot.Snapshot], len(v.records))
	inRounds, err := r.readRounds(ctx, v)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	list, problems = append(list, inRounds...), append(problems, err)
	err = readAll(ctx, r, objectNames(v.records), r.recallRecord, func(name string, s *snapshot.Snapshot, err error) {
		switch {
		case err == nil:
			list = append(list, s)
			known[name] = r.asRead(name, s)
		case !errors.Is(err, fs.ErrNotExist):
			problems = append(problems, &UnreadError{name, err})
		}
	})
	if err != nil {
		return nil, err
	}
	r.records.replace(known)
	snapshot.Sort(list)
	return list, errors.Join(problems...)
}

// asRead returns the content of a record to remember: a copy that no note changes.
func (r *Repo) asRead(name string, s *snapshot.Snapshot) opened[*snapshot.Snapshot] {
	object, _ := r.cache.Get(name)
	if known, ok := r.records.get(name, object); ok {
		return opened[*snapshot.Snapshot]{object, known}
	}
	c := *s
	return opened[*snapshot.Snapshot]{object, &c}
}

// recallRecord is decodeRecord, but copies a snapshot that was decoded from these bytes
// before: each list has its own copy, as notes are filled in.
func (r *Repo) recallRecord(d *snapshot.Decoder, name string, object []byte) (*snapshot.Snapshot, error) {
	if s, ok := r.records.get(name, object); ok {
		c := *s
		return &c, nil
	}
	return r.decodeRecord(d, name, object)
}

func objectNames(objects []store.Object) []string {
	names := make([]string, len(objects))
	for i, o := range objects {
		names[i] = o.Name
	}
	return names
}

// dropOldRecords removes objects from the cache that the listing no longer shows.
func (r *Repo) dropOldRecords(v *listing) {
	listed := make(map[string]bool, len(v.records)+len(v.notes)+len(v.rounds)+len(v.plans))
	for _, o := range slices.Concat(v.records, v.notes, v.rounds, v.tombstones, v.alives) {
		listed[o.Name] = true
	}
	for name := range v.plans {
		listed[name] = true
	}
	r.cache.DropUnlisted(v.began, func(name string) bool {
		return isTemporary(name) && !listed[name]
	})
}

// isTemporary reports whether objects that are named so are deleted some day, but for packs.
func isTemporary(name string) bool {
	return slices.ContainsFunc([]string{snapshot.Prefix, snapshot.NotePrefix, planPrefix, pack.RoundPrefix, tombstonePrefix, alivePrefix},
		func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// record reads one snapshot record.
func (r *Repo) record(ctx context.Context, name string) (*snapshot.Snapshot, error) {
	return read(ctx, r, name, func(b []byte) (*snapshot.Snapshot, error) {
		return r.decodeRecord(new(snapshot.Decoder), name, b)
	})
}

// decodeRecord is openRecord with errors that tell of damage.
func (r *Repo) decodeRecord(d *snapshot.Decoder, name string, object []byte) (*snapshot.Snapshot, error) {
	s, err := r.openRecord(d, name, object)
	if err != nil {
		return nil, damaged("record", name, err)
	}
	return s, nil
}

func (r *Repo) openRecord(d *snapshot.Decoder, name string, object []byte) (*snapshot.Snapshot, error) {
	plain, err := r.keys.OpenObject(crypt.ObjectSnapshot, name, object)
	if err != nil {
		return nil, err
	}
	s, err := d.Snapshot(plain)
	if err != nil {
		return nil, err
	}
	if s.ObjectName() != name {
		return nil, errors.New("the record belongs to another name")
	}
	return s, nil
}

// putRecord writes a snapshot record: the step that makes a snapshot visible.
func (r *Repo) putRecord(ctx context.Context, s *snapshot.Snapshot) error {
	plain, err := s.Marshal()
	if err != nil {
		return fmt.Errorf("make record: %w", err)
	}
	name := s.ObjectName()
	object := r.keys.SealObject(crypt.ObjectSnapshot, name, plain)
	if _, err := r.openRecord(new(snapshot.Decoder), name, object); err != nil {
		return fmt.Errorf("verify new record %s: %w", name, err)
	}
	r.dropOpening()
	if err := r.store.Put(ctx, name, object); err != nil {
		return fmt.Errorf("write record of snapshot %s: %w", s.ID.Short(), err)
	}
	r.cache.Put(name, object)
	r.cache.Put(newestEntry, []byte(name))
	return nil
}
