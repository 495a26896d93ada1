package repo

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"firn/index"
	"firn/pack"
	"firn/store"
)

const (
	// tokenEntry is the cache entry with the token under which the cached tails
	// were every pack of the repository, and when that was.
	tokenEntry = "state/token"
	// newestEntry is the cache entry with the name of the last record that was
	// written with this cache. If a listing lacks it, the store may have been set
	// back: then packs that the cache knows may be gone, too.
	newestEntry = "state/newest"
	// relistEvery is how long the cache alone may be the index: packs that were
	// lost, which no plan tells, are then noticed, and stored again.
	relistEvery = 24 * time.Hour
)

// loadIndex builds the index under the plans of a listing of meta/. If no plan was published since the
// cached tails were listed, no pack that the plans do not name can have gone:
// then, where a listing costs more than it is worth, the cache alone is the index.
func (r *Repo) loadIndex(ctx context.Context, v *listing) error {
	if !r.indexCached(v) {
		return r.reloadIndex(ctx, v)
	}
	return r.buildIndex(ctx, v, r.cachedPacks())
}

func (r *Repo) indexCached(v *listing) bool {
	b, _ := r.cache.get(tokenEntry)
	known, at, _ := strings.Cut(string(b), " ")
	if newest, ok := r.cache.get(newestEntry); !r.opts.TrustCache || !ok || !contains(v.records, string(newest)) {
		return false
	}
	listed, err := strconv.ParseInt(at, 10, 64)
	age := r.opts.now().Sub(time.Unix(listed, 0))
	return err == nil && v.token != "" && known == v.token && age >= 0 && age < relistEvery
}

// reloadIndex builds the index under the plans of a listing of meta/, from a listing of the packs.
func (r *Repo) reloadIndex(ctx context.Context, v *listing) error {
	objects, err := collect(ctx, r.store, pack.Prefix)
	if err != nil {
		return fmt.Errorf("list packs: %w", err)
	}
	r.packObjects = objects
	listed := make(map[string]bool, len(objects))
	for _, o := range objects {
		listed[o.Name] = true
	}
	gone := r.cache.keepOnly(func(name string) bool {
		_, isPack := pack.ParseName(name)
		return !isPack || listed[name]
	})
	r.packs.keepOnly(listed)
	known, _ := r.cache.get(tokenEntry)
	if gone > 0 || tokenOf(known) != v.token { // else the file would have tails of two tokens
		r.cache.mustReplace()
	}
	if err := r.buildIndex(ctx, v, objects); err != nil {
		return err
	}
	r.cache.put(tokenEntry, fmt.Appendf(nil, "%s %d", v.token, r.opts.now().Unix()))
	return nil
}

// buildIndex reads the footers of the packs.
func (r *Repo) buildIndex(ctx context.Context, v *listing, objects []store.Object) error {
	x := index.New()
	if r.index != nil {
		x.SpoilAs(r.index)
	}
	r.unreadable = make(map[pack.ID]error)
	footers, err := r.footers(ctx, objects)
	if err != nil {
		return err
	}
	for _, f := range footers {
		switch {
		case f.problem == nil:
			x.Add(f.pack, f.entries)
		case isDamage(f.problem): // its blobs are not available; check and prune report it
			r.unreadable[f.pack] = f.problem
		} // else it was swept since the listing
	}
	for id := range v.condemned() {
		x.Condemn(id)
	}
	r.index = x
	return nil
}

// cachedPacks lists the packs whose tails are cached.
func (r *Repo) cachedPacks() []store.Object {
	var objects []store.Object
	for name, tail := range r.cache.objects {
		if _, ok := pack.ParseName(name); ok && len(tail) >= sizePrefix {
			objects = append(objects, store.Object{Name: name, Size: int64(binary.LittleEndian.Uint64(tail))})
		}
	}
	return objects
}

// isDamage reports whether err tells of damage.
func isDamage(err error) bool {
	var corrupt *CorruptError
	return errors.As(err, &corrupt)
}
