package repo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"firn/crypt"
	"firn/snapshot"
)

// alivePrefix begins the names of signs of life: meta/alive-<random, 32 hex>
// (docs/format.md, section 5).
const alivePrefix = metaPrefix + "alive-"

// Alive is what a watch says of itself now and then, so that databases in which nothing changes count as
// fresh. A watch that says nothing for long is dead.
type Alive struct {
	Host    string        `json:"host"`
	Began   time.Time     `json:"began"` // when the watch began
	Time    time.Time     `json:"time"`  // up to when all of Watched were as their newest snapshots
	Every   time.Duration `json:"every"` // between two rounds, nanoseconds
	Watched []AliveSeries `json:"watched"`

	name string
}

// AliveSeries is a database that is watched.
type AliveSeries struct {
	Environment string    `json:"environment"`
	Database    string    `json:"database"`
	Time        time.Time `json:"time,omitzero"`     // up to when it is unchanged, if that is earlier than the time of the whole
	Problem     string    `json:"problem,omitempty"` // why, for people
}

// aliveRecord is the JSON document.
type aliveRecord struct {
	Version int `json:"v"`
	Alive
}

// aliveKept is how many signs of life of a handle there are before the old ones are deleted, by one request. So an idle watch
// makes one request an hour, and one more a day. Of those of one watch only the newest counts.
const aliveKept = 24

// PutAlive stores what a watch says of itself, in place of what this host's watch that began at the same time, or an
// earlier one, has said before. Only the first call of a handle lists what there is.
func (r *Repo) PutAlive(ctx context.Context, a Alive) error {
	a.Host = r.opts.Host
	r.mu.Lock()
	before := r.alives
	r.mu.Unlock()
	first := before == nil
	if first {
		var err error
		if before, err = r.olderAlives(ctx, a); err != nil {
			return err
		}
	}
	name, err := r.putAlive(ctx, a)
	if err != nil {
		return err
	}
	if first || len(before) >= aliveKept {
		if err := r.removeAlives(ctx, before); err != nil {
			return err
		}
		before = nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.alives = append(slices.Clone(before), name)
	return nil
}

// olderAlives returns the names of the signs of life that a new one replaces.
func (r *Repo) olderAlives(ctx context.Context, a Alive) (names []string, err error) {
	all, err := r.listAlives(ctx)
	if err != nil && !isDamage(err) && !isVersion(err) { // such a one stays
		return nil, err
	}
	for _, b := range all {
		if b.Host == a.Host && !b.Began.After(a.Began) {
			names = append(names, b.name)
		}
	}
	return names, nil
}

func (r *Repo) removeAlives(ctx context.Context, names []string) error {
	if len(names) == 0 {
		return nil
	}
	if err := r.remove(ctx, names...); err != nil && !errors.Is(err, ErrMayNotDelete) {
		return fmt.Errorf("replace sign of life: %w", err)
	}
	return nil
}

// putAlive stores a sign of life, and returns its name.
func (r *Repo) putAlive(ctx context.Context, a Alive) (string, error) {
	name := newAliveName()
	plain, err := json.Marshal(aliveRecord{formatVersion, a})
	if err != nil {
		return "", fmt.Errorf("encode sign of life: %w", err)
	}
	r.dropOpening()
	if err := r.store.Put(ctx, name, r.keys.SealObject(crypt.ObjectAlive, name, plain)); err != nil {
		return "", fmt.Errorf("write sign of life: %w", err)
	}
	return name, nil
}

func newAliveName() string { return newName(alivePrefix, 16) }

// Alives returns what each watch has said last, the newest first. One that cannot be read is an error beside the others.
func (r *Repo) Alives(ctx context.Context) ([]Alive, error) {
	all, err := r.listAlives(ctx)
	last := make(map[string]bool)
	return slices.DeleteFunc(all, func(a Alive) bool {
		watch := a.Host + a.Began.UTC().Format(time.RFC3339Nano)
		older := last[watch]
		last[watch] = true
		return older
	}), err
}

// listAlives returns all that watches have said, the newest first.
func (r *Repo) listAlives(ctx context.Context) ([]Alive, error) {
	objects, err := collect(ctx, r.store, alivePrefix)
	if err != nil {
		return nil, fmt.Errorf("list signs of life: %w", err)
	}
	var all []Alive
	var problems []error
	err = readAll(ctx, r, objectNames(objects), r.openAlive, func(_ string, a *Alive, err error) {
		switch {
		case err == nil:
			all = append(all, *a)
		case !errors.Is(err, fs.ErrNotExist): // else replaced since
			problems = append(problems, err)
		}
	})
	slices.SortFunc(all, func(a, b Alive) int { return b.Time.Compare(a.Time) })
	return all, errors.Join(append(problems, err)...)
}

func (r *Repo) openAlive(_ *snapshot.Decoder, name string, object []byte) (*Alive, error) {
	doc := &aliveRecord{}
	if err := openDocument(r.keys, crypt.ObjectAlive, name, object, doc); err != nil {
		return nil, damaged(kindOf(name), name, err)
	}
	doc.name = name
	return &doc.Alive, nil
}

// isAlive reports whether an object is a sign of life by its name.
func isAlive(name string) bool { return strings.HasPrefix(name, alivePrefix) }
