package repo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"firn/chunk"
	"firn/crypt"
	"firn/index"
	"firn/objectcache"
	"firn/pack"
	"firn/packcache"
	"firn/snapshot"
	"firn/store"
)

// Options says how to make or open a repository. Store and Credential are needed.
type Options struct {
	Store      store.Store
	Credential crypt.Credential
	CacheDir   string           // private folder for this repository's cache; "" for none
	StateDir   string           // private folder for facts about the repository at this place, which is no cache; "" for none
	Host       string           // recorded in objects
	Tool       string           // name and version of the program, recorded in snapshots
	Now        func() time.Time // clock, safe for concurrent use; nil means time.Now
	ChunkSizes ChunkSizes       // of a repository that [Init] makes; zero means [DefaultChunkSizes]

	// TrustCache is for stores where listing the packs is dear: backups then rely
	// on the cache to know which packs exist, for a day at most, as long as no
	// plan was published and the store does not look set back. Without it, packs
	// that were lost by accident are noticed, and stored again, at once.
	TrustCache bool

	// CacheSize is for stores where reading is dear: how many bytes of packs may
	// be kept below CacheDir, so that a run need not fetch bytes that an earlier one
	// has written or read. 0 keeps none.
	CacheSize int64

	// TempDir is for private temporary files: chunks of a [LiveImage] that are read faster
	// than they can be stored. Empty means os.TempDir().
	TempDir string

	// AcceptOther opens another repository than the one that StateDir knows at this
	// place, and takes note of it.
	AcceptOther bool

	// Repairing opens a repository whose configuration is missing, if the cache has
	// it: for [Repo.Repair], which puts it back.
	Repairing bool
}

// Repo is an open repository. It is safe for concurrent use: any number of goroutines may
// call its methods at once, all of them, and any number of processes may have the same
// repository open. Two operations of one Repo are like operations of two processes: each has
// its own listing and its own inventory of the packs, and goes by the protocol of
// docs/format.md, section 6. They share keys, caches, and the knowledge of damaged blobs,
// each of which is immutable or has a lock. The results of operations, and readers of images,
// a [Copier] and an [Assembler], are for one goroutine at a time unless they say otherwise.
// A blob that was found damaged counts as missing until a check of all data finds it sound.
type Repo struct {
	opts  Options // but for the credential, which is below
	store store.Store
	id    crypt.RepositoryID
	keys  *crypt.Keys
	conf  config
	// params returns where chunks may end. They are derived once, which takes more than a millisecond: a third of the time
	// that a round needs for a small database.
	params func() (chunk.Params, error)

	// All of these are safe for concurrent use.
	cache   *objectcache.Cache
	packs   *packcache.Cache                 // nil for none
	records remembered[*snapshot.Snapshot]   // the last list
	rounds  remembered[[]*snapshot.Snapshot] // that of the records in rounds
	footed  remembered[[]pack.Entry]         // the packs of the last inventory
	recent  *plaintexts
	openers *sync.Pool          // of *opener
	reading *semaphore.Weighted // bytes that batches have under way
	damage  *index.Damage
	loading turn       // to load an inventory
	telling turn       // to note upkeep
	marking sync.Mutex // held while marks are read and changed

	mu        sync.Mutex
	unlocked  crypt.Credential // that opens the repository
	openedBy  string           // the name of the slot that it opened last
	opening   []store.Object   // of meta/, from Open, until the first use
	openedAt  time.Time
	lastSeen  *listing // nil for none
	inventory *inventory
	alives    []string // names of the signs of life that this handle has stored and not removed; nil before the first
}

// packCacheDir is the folder of the cache of packs, below [Options.CacheDir].
const packCacheDir = "packs"

// openingTick is when the listing of [Open] began, by the cache's clock: it is the first.
const openingTick = 1

// openingLife is for how long the listing of [Open] stands in for another one.
const openingLife = 10 * time.Second

func newRepo(opts Options, cache *objectcache.Cache, packs *packcache.Cache) *Repo {
	r := &Repo{
		opts: opts, store: opts.Store, cache: cache, packs: packs, unlocked: opts.Credential,
		recent:  newPlaintexts(recentBytes),
		openers: new(sync.Pool),
		reading: semaphore.NewWeighted(readingBytes),
		damage:  index.NewDamage(),
		loading: make(turn, 1),
		telling: make(turn, 1),
	}
	r.params = sync.OnceValues(func() (chunk.Params, error) { return r.conf.params(r.keys) })
	return r
}

func (o Options) chunkSizes() ChunkSizes {
	if o.ChunkSizes == (ChunkSizes{}) {
		return DefaultChunkSizes
	}
	return o.ChunkSizes
}

// packCache returns the cache of packs, nil for none.
func (o Options) packCache() *packcache.Cache {
	if o.CacheDir == "" || o.CacheSize <= 0 {
		return nil
	}
	return packcache.Open(filepath.Join(o.CacheDir, packCacheDir), o.CacheSize, o.now)
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
	r := newRepo(opts, objectcache.Open(opts.CacheDir), opts.packCache())
	r.cache.Tick() // see openingTick
	var err error
	if r.opening, err = collect(ctx, r.store, metaPrefix); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w: %w", ErrNotRepository, err)
		}
		return nil, fmt.Errorf("list repository: %w", err)
	}
	r.dropForeignCache()
	if _, known := r.cache.Get(configName); !contains(r.opening, configName) && !(opts.Repairing && known) {
		return nil, ErrNotRepository
	}
	if err := r.unlock(ctx); err != nil {
		return nil, err
	}
	r.openedAt = opts.now()
	return r, nil
}

// ID returns the repository's random identity.
func (r *Repo) ID() crypt.RepositoryID { return r.id }

// Close writes the cache and keeps it within its bounds, once all that uses the repository
// has ended. It cannot fail: a cache that is lost costs time only.
func (r *Repo) Close() {
	r.cache.Flush()
	r.packs.Trim()
}

// dropForeignCache empties a cache that was filled from another repository at
// this place: the name of one of its key slots, which are random, tells.
func (r *Repo) dropForeignCache() {
	for _, o := range r.opening {
		if _, ok := r.cache.Get(o.Name); ok && isKeyName(o.Name) {
			return
		}
	}
	r.cache.Clear()
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
	secret, err := r.openSlots(ctx, conf.ID, slotNames(r.opening), r.unlocked)
	if err != nil {
		return err
	}
	r.conf, r.id, r.keys = conf, conf.ID, crypt.Derive(secret, conf.ID)
	if err := file.verify(r.keys); err != nil {
		return err
	}
	return r.recognize()
}
