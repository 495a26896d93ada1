package repo

import (
	"context"
	"crypto/rand"
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

// PutAlive stores what a watch says of itself, in place of what this host's watch that began at the same time, or an
// earlier one, has said before.
func (r *Repo) PutAlive(ctx context.Context, a Alive) error {
	a.Host = r.opts.Host
	before, err := r.Alives(ctx)
	if err != nil && !isDamage(err) && !isVersion(err) { // such a one stays
		return err
	}
	name := newAliveName()
	plain, err := json.Marshal(aliveRecord{formatVersion, a})
	if err != nil {
		return fmt.Errorf("encode sign of life: %w", err)
	}
	r.dropOpening()
	if err := r.store.Put(ctx, name, r.keys.SealObject(crypt.ObjectAlive, name, plain)); err != nil {
		return fmt.Errorf("write sign of life: %w", err)
	}
	var old []string
	for _, b := range before {
		if b.Host == a.Host && !b.Began.After(a.Began) {
			old = append(old, b.name)
		}
	}
	if len(old) == 0 {
		return nil
	}
	if err := r.remove(ctx, old...); err != nil && !errors.Is(err, ErrMayNotDelete) {
		return fmt.Errorf("replace sign of life: %w", err)
	}
	return nil
}

func newAliveName() string {
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails: the runtime ends the program instead
	return fmt.Sprintf("%s%x", alivePrefix, random)
}

// Alives returns what watches have said, the newest first. One that cannot be read is an error beside the others.
func (r *Repo) Alives(ctx context.Context) ([]Alive, error) {
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
	plain, err := r.keys.OpenObject(crypt.ObjectAlive, name, object)
	doc := &aliveRecord{}
	if err == nil {
		err = unmarshalVersion(plain, doc)
	}
	if err != nil {
		return nil, damaged(kindOf(name), name, err)
	}
	doc.name = name
	return &doc.Alive, nil
}

// isAlive reports whether an object is a sign of life by its name.
func isAlive(name string) bool { return strings.HasPrefix(name, alivePrefix) }
