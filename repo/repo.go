package repo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync/atomic"
	"time"

	"firn/crypt"
	"firn/index"
	"firn/pack"
	"firn/snapshot"
	"firn/store"
)

// Options says how to make or open a repository. Store and Credential are needed.
type Options struct {
	Store      store.Store
	Credential crypt.Credential
	CacheDir   string           // private folder for this repository's cache; "" for none
	StateDir   string           // private folder for what this host knows of the repository at this place, which no cache is; "" for none
	Host       string           // recorded in what is written
	Tool       string           // name and version of the program, recorded in snapshots
	Now        func() time.Time // clock; nil means time.Now
	ChunkSizes ChunkSizes       // of a repository that [Init] makes; zero means [DefaultChunkSizes]

	// TrustCache is for stores where listing the packs is dear: backups then rely
	// on the cache to know which packs exist, for a day at most, as long as no
	// plan was published and the store does not look set back. Without it, packs
	// that were lost by accident are noticed, and stored again, at once.
	TrustCache bool

	// CacheSize is for stores where reading is dear: how many bytes of packs may
	// be kept below CacheDir, so that what a run has written or read need not be
	// fetched again by the next. 0 keeps none.
	CacheSize int64

	// TempDir is for private temporary files: what is read of a [LiveImage] faster than
	// it can be stored. Empty means os.TempDir().
	TempDir string

	// AcceptOther opens another repository than the one that StateDir knows at this
	// place, and takes note of it.
	AcceptOther bool

	// Repairing opens a repository whose configuration is missing, if the cache has
	// it: for [Repo.Repair], which puts it back.
	Repairing bool
}

// Repo is an open repository. It is for one goroutine; any number of processes
// may have the same repository open.
type Repo struct {
	opts    Options
	store   store.Store
	id      crypt.RepositoryID
	keys    *crypt.Keys
	conf    config
	cache   *cache
	packs   *packCache   // nil for none
	waiting atomic.Int32 // workers that wait for the store

	records remembered[*snapshot.Snapshot] // the last list
	footed  remembered[[]pack.Entry]       // the packs of the index
	opening []store.Object                 // of meta/, from Open, until the first use
	seen    *listing                       // the last one, nil for none
	reader  *blobReader
	sparing bool // read nothing that is not asked for, see [Repo.ImageAt]

	index       *index.Index      // nil until it is needed
	packObjects []store.Object    // the last listing of the packs
	unreadable  map[pack.ID]error // packs that the index had to leave out: a CorruptError each
}

func (o Options) chunkSizes() ChunkSizes {
	if o.ChunkSizes == (ChunkSizes{}) {
		return DefaultChunkSizes
	}
	return o.ChunkSizes
}

func (o Options) now() time.Time {
	if o.Now == nil {
		return time.Now()
	}
	return o.Now()
}

// Open opens the repository in opts.Store. The error matches
// [ErrNotRepository], [ErrVersion], [crypt.ErrWrongKey], a [CorruptError], an
// [OtherError], or is the store's.
func Open(ctx context.Context, opts Options) (*Repo, error) {
	r := &Repo{opts: opts, store: opts.Store, cache: openCache(opts.CacheDir), packs: openPackCache(opts)}
	var err error
	if r.opening, err = collect(ctx, r.store, metaPrefix); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w: %w", ErrNotRepository, err)
		}
		return nil, fmt.Errorf("list repository: %w", err)
	}
	r.dropForeignCache()
	if _, known := r.cache.get(configName); !contains(r.opening, configName) && !(opts.Repairing && known) {
		return nil, ErrNotRepository
	}
	if err := r.unlock(ctx); err != nil {
		return nil, err
	}
	r.reader = newBlobReader(r)
	return r, nil
}

// ID returns the repository's random identity.
func (r *Repo) ID() crypt.RepositoryID { return r.id }

// Close writes the cache and keeps it within its bounds. It cannot fail: a cache
// that is lost costs time only.
func (r *Repo) Close() {
	r.cache.flush()
	r.packs.trim()
}

// dropForeignCache empties a cache that was filled from another repository at
// this place: the name of one of its key slots, which are random, tells.
func (r *Repo) dropForeignCache() {
	for _, o := range r.opening {
		if _, ok := r.cache.get(o.Name); ok && isKeyName(o.Name) {
			return
		}
	}
	r.cache.clear()
}

// unlock opens a key slot with the credential and derives the keys.
func (r *Repo) unlock(ctx context.Context) error {
	var file configFile
	conf, err := read(ctx, r, configName, func(b []byte) (conf config, err error) {
		conf, file, err = parseConfig(b)
		return conf, err
	})
	if err != nil {
		return err
	}
	secret, err := r.openSlots(ctx, conf.ID)
	if err != nil {
		return err
	}
	r.conf, r.id, r.keys = conf, conf.ID, crypt.Derive(secret, conf.ID)
	if err := file.verify(r.keys); err != nil {
		return err
	}
	return r.recognize()
}
