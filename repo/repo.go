package repo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"firn/chunk"
	"firn/crypt"
	"firn/index"
	"firn/store"
)

// Options says how to make or open a repository. Store and Credential are needed.
type Options struct {
	Store      store.Store
	Credential crypt.Credential
	CacheDir   string           // private folder for this repository's cache; "" for none
	Host       string           // recorded in what is written
	Tool       string           // name and version of the program, recorded in snapshots
	Now        func() time.Time // clock; nil means time.Now
}

// Repo is an open repository. It is for one goroutine; any number of processes
// may have the same repository open.
type Repo struct {
	opts   Options
	store  store.Store
	id     crypt.RepositoryID
	keys   *crypt.Keys
	params chunk.Params
	cache  *cache

	listing []store.Object // of meta/, from Open, until the first use
	reader  *blobReader

	index       *index.Index   // nil until it is needed
	packObjects []store.Object // the last listing of the packs
	unreadable  []error        // packs that the index had to leave out, a CorruptError each
}

func (o Options) now() time.Time {
	if o.Now == nil {
		return time.Now()
	}
	return o.Now()
}

// Open opens the repository in opts.Store. The error matches
// [ErrNotRepository], [ErrVersion], [crypt.ErrWrongKey], a [CorruptError], or is
// the store's.
func Open(ctx context.Context, opts Options) (*Repo, error) {
	r := &Repo{opts: opts, store: opts.Store, cache: openCache(opts.CacheDir)}
	var err error
	if r.listing, err = collect(r.store.List(ctx, metaPrefix)); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w: %w", ErrNotRepository, err)
		}
		return nil, fmt.Errorf("list repository: %w", err)
	}
	if !contains(r.listing, configName) {
		return nil, ErrNotRepository
	}
	r.dropForeignCache()
	if err := r.unlock(ctx); err != nil {
		return nil, err
	}
	r.reader = newBlobReader(r)
	return r, nil
}

// ID returns the repository's random identity.
func (r *Repo) ID() crypt.RepositoryID { return r.id }

// Close writes the cache. It cannot fail: a cache that is lost costs time only.
func (r *Repo) Close() { r.cache.flush() }

// dropForeignCache empties a cache that was filled from another repository at
// this place: the name of one of its key slots, which are random, tells.
func (r *Repo) dropForeignCache() {
	for _, o := range r.listing {
		if _, ok := r.cache.get(o.Name); ok && isKeyName(o.Name) {
			return
		}
	}
	r.cache.clear()
}

// unlock opens a key slot with the credential and derives the keys.
func (r *Repo) unlock(ctx context.Context) error {
	b, err := r.get(ctx, configName)
	if err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	conf, file, err := parseConfig(b)
	if err != nil {
		return err
	}
	secret, err := r.openSlots(ctx, conf.ID)
	if err != nil {
		return err
	}
	r.id, r.keys = conf.ID, crypt.Derive(secret, conf.ID)
	if err := file.verify(r.keys); err != nil {
		return err
	}
	r.params, err = conf.params(r.keys)
	return err
}

// get reads a whole write-once object, from the cache if it is there.
func (r *Repo) get(ctx context.Context, name string) ([]byte, error) {
	if b, ok := r.cache.get(name); ok {
		return b, nil
	}
	b, err := r.store.Get(ctx, name, 0, -1)
	if err != nil {
		return nil, err
	}
	r.cache.put(name, b)
	return b, nil
}
