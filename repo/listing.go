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

// metaPrefix begins the names of all objects but the packs, so that one
// listing shows them.
const metaPrefix = "meta/"

// listing is what one listing of meta/ shows: the state that an operation goes by. It is
// not changed once it was returned.
type listing struct {
	began      uint64           // by the cache's clock
	plans      map[string]*plan // by object name; empty only for reading, see listMetaToRead
	forged     []string         // names of objects that are named like plans without a key
	unread     []string         // names of the plans that listMetaToRead has left out
	token      string           // of the plans, "" if there are none
	records    []store.Object   // snapshot records, newest first
	partials   []store.Object
	notes      []store.Object
	rounds     []store.Object // newest first
	tombstones []store.Object
	unheeded   map[string]bool // tombstones by name that a prune does not go by
	alives     []store.Object
	newest     store.Object // by the store's clock
	planned    time.Time    // when the newest plan was written, by the store's clock
}

// maxListings bounds how often a listing is repeated because plans that it
// shows are superseded before they are read.
const maxListings = 10

// errNoPlan is the cause in a CorruptError for plans that are all missing.
var errNoPlan = errors.New("no garbage collection plan can be read, at least one always exists")

// listMeta lists meta/ and reads the plans. The first call after Open uses
// its listing, if that is young: it saves a request, and is as good as one made a moment later.
func (r *Repo) listMeta(ctx context.Context) (*listing, error) {
	for range maxListings {
		began := uint64(openingTick)
		objects := r.takeOpening()
		if objects == nil {
			began = r.cache.Tick()
			var err error
			if objects, err = collect(ctx, r.store, metaPrefix); err != nil {
				return nil, fmt.Errorf("list repository: %w", err)
			}
		}
		v := r.newListing(objects, began)
		if err := r.readPlans(ctx, v); err == nil {
			r.saw(v)
			return v, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return nil, &CorruptError{Kind: "plan", Name: planPrefix, Err: errNoPlan}
}

// listMetaToRead is listMeta for operations that change nothing. Plans that cannot be read
// do not stop these: plans say only what may be relied on, or deleted.
func (r *Repo) listMetaToRead(ctx context.Context) (*listing, error) {
	v, err := r.listMeta(ctx)
	if !isDamage(err) && !errors.Is(err, ErrVersion) {
		return v, err
	}
	began := r.cache.Tick()
	objects, err := collect(ctx, r.store, metaPrefix)
	if err != nil {
		return nil, fmt.Errorf("list repository: %w", err)
	}
	v = r.newListing(objects, began)
	v.unread = slices.Sorted(maps.Keys(v.plans))
	clear(v.plans)
	r.saw(v)
	return v, nil
}

func (r *Repo) newListing(objects []store.Object, began uint64) *listing {
	v := &listing{began: began, plans: make(map[string]*plan)}
	for _, o := range objects {
		switch {
		case r.isPlan(o.Name):
			v.plans[o.Name] = nil
			if o.Time.After(v.planned) {
				v.planned = o.Time
			}
		case r.isForgedPlan(o.Name):
			v.forged = append(v.forged, o.Name)
		case strings.HasPrefix(o.Name, snapshot.Prefix):
			v.records = append(v.records, o)
		case strings.HasPrefix(o.Name, partialPrefix):
			v.partials = append(v.partials, o)
		case strings.HasPrefix(o.Name, snapshot.NotePrefix):
			v.notes = append(v.notes, o)
		case strings.HasPrefix(o.Name, pack.RoundPrefix):
			v.rounds = append(v.rounds, o)
		case isTombstone(o.Name):
			v.tombstones = append(v.tombstones, o)
		case isAlive(o.Name):
			v.alives = append(v.alives, o)
		}
		if o.Time.After(v.newest.Time) {
			v.newest = o
		}
	}
	return v
}

// same reports whether two listings show the same plans, records, rounds and tombstones: what is needed, and what may be deleted,
// is the same then. A listing that failed is nil, and like no other.
func (v *listing) same(other *listing) bool {
	if v == nil || other == nil || v.token != other.token {
		return false
	}
	sameName := func(a, b store.Object) bool { return a.Name == b.Name }
	return slices.EqualFunc(v.records, other.records, sameName) && slices.EqualFunc(v.rounds, other.rounds, sameName) &&
		slices.EqualFunc(v.tombstones, other.tombstones, sameName)
}

// readPlans reads the listed plans. The error matches fs.ErrNotExist if no plan is listed, or
// one is gone: then a prune has just replaced them, and the listing must be repeated.
func (r *Repo) readPlans(ctx context.Context, v *listing) error {
	if len(v.plans) == 0 {
		return fs.ErrNotExist
	}
	names := make([]string, 0, len(v.plans))
	for name := range v.plans {
		var err error
		if v.plans[name], err = r.plan(ctx, name); err != nil {
			return err
		}
		names = append(names, name)
	}
	v.token = token(names)
	return nil
}

// plan reads one plan.
func (r *Repo) plan(ctx context.Context, name string) (*plan, error) {
	return read(ctx, r, name, func(b []byte) (*plan, error) {
		p, err := openPlan(r.keys, name, b)
		if err != nil {
			return nil, damaged("plan", name, err)
		}
		return p, nil
	})
}

// holders returns the objects that have records of snapshots.
func (v *listing) holders() []store.Object { return slices.Concat(v.records, v.rounds) }

// condemned returns the packs that the plans name.
func (v *listing) condemned() map[pack.ID]bool {
	packs := make(map[pack.ID]bool)
	for _, p := range v.plans {
		for _, id := range p.Condemned {
			packs[id] = true
		}
	}
	return packs
}

// sequence returns the largest sequence number of the plans.
func (v *listing) sequence() uint64 {
	var largest uint64
	for _, p := range v.plans {
		largest = max(largest, p.Sequence)
	}
	return largest
}

// damaged wraps the error of opening an object: a later version is no damage.
func damaged(kind, name string, err error) error {
	if errors.Is(err, crypt.ErrVersion) || errors.Is(err, snapshot.ErrVersion) {
		return fmt.Errorf("%w: %s %s: %w", ErrVersion, kind, name, err)
	}
	return &CorruptError{Kind: kind, Name: name, Err: err}
}

// collect reads a whole listing.
func collect(ctx context.Context, st store.Store, prefix string) ([]store.Object, error) {
	objects := []store.Object{}
	for o, err := range listed(ctx, st, prefix) {
		if err != nil {
			return nil, err
		}
		objects = append(objects, o)
	}
	return objects, nil
}

func contains(objects []store.Object, name string) bool {
	return slices.ContainsFunc(objects, func(o store.Object) bool { return o.Name == name })
}

// settled reports whether no plan was published since the listing was made.
func (r *Repo) settled(ctx context.Context, v *listing) (bool, error) {
	objects, err := collect(ctx, r.store, planPrefix)
	if err != nil {
		return false, err
	}
	var names []string
	for _, o := range objects {
		if r.isPlan(o.Name) {
			names = append(names, o.Name)
		}
	}
	return token(names) == v.token, nil
}
