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
	"firn/objectcache"
	"firn/pack"
	"firn/store"
)

const (
	// tokenEntry is the cache entry with the token under which the cached tails
	// were every pack of the repository, and when that was.
	tokenEntry = objectcache.TokenEntry
	// statePrefix begins the names of cache entries that are no copies from the store.
	statePrefix = objectcache.StatePrefix
	// newestEntry is the cache entry with the name of the last record that was
	// written with this cache. If a listing lacks it, the store may have been set
	// back: then packs that the cache knows may be gone, too.
	newestEntry = "state/newest"
	// relistEvery is how long the cache alone may be the index. Packs that were lost,
	// which no plan tells, are noticed by then, and their blobs stored again.
	relistEvery = 24 * time.Hour
)

// inventory is the contents of the repository's packs, from a listing of them and their
// footers. Only the operation that has loaded an inventory changes it, and only until it
// shares it by [Repo.share]. After that it is immutable, but for the damage that its index
// learns of.
type inventory struct {
	index      *index.Index
	objects    []store.Object    // the packs, as listed
	unreadable map[pack.ID]error // packs that the index had to leave out: a CorruptError each
}

// footerReads says how much an operation reads of packs whose footers are not cached.
type footerReads bool

const (
	// withNodes reads a little more than footers, as the next requests would be for nodes
	// and bases that stand beside them.
	withNodes footerReads = false
	// onDemandOnly reads footers at their exact length: a query may be this cache's
	// only user.
	onDemandOnly footerReads = true
)

// loadInventory loads the inventory under the plans of a listing. If no plan was published
// since the cached tails were listed, no pack that the plans do not name can have gone:
// then, where a listing costs more than it is worth, the cache alone is the index.
func (r *Repo) loadInventory(ctx context.Context, l *listing) (*inventory, error) {
	return r.loadAlone(ctx, func() (*inventory, error) { return r.load(ctx, l, withNodes) })
}

// listInventory is loadInventory, but always lists the packs.
func (r *Repo) listInventory(ctx context.Context, l *listing) (*inventory, error) {
	return r.loadAlone(ctx, func() (*inventory, error) { return r.list(ctx, l, withNodes) })
}

// sharedInventory returns the inventory that an operation has shared last, or loads one and
// shares it. Blobs that were stored or moved since may be missing in it.
func (r *Repo) sharedInventory(ctx context.Context, reads footerReads) (*inventory, error) {
	if shared := r.shared(); shared != nil {
		return shared, nil
	}
	l, err := r.listMetaToRead(ctx)
	if err != nil {
		return nil, err
	}
	return r.loadAlone(ctx, func() (*inventory, error) {
		if shared := r.shared(); shared != nil { // by an operation that was faster
			return shared, nil
		}
		return r.loadToShare(ctx, l, reads, r.load)
	})
}

// freshInventory loads an inventory from a listing of the packs, and shares it.
func (r *Repo) freshInventory(ctx context.Context, reads footerReads) (*inventory, error) {
	l, err := r.listMetaToRead(ctx)
	if err != nil {
		return nil, err
	}
	return r.loadAlone(ctx, func() (*inventory, error) { return r.loadToShare(ctx, l, reads, r.list) })
}

func (r *Repo) loadToShare(ctx context.Context, l *listing, reads footerReads,
	load func(context.Context, *listing, footerReads) (*inventory, error)) (*inventory, error) {
	loaded, err := load(ctx, l, reads)
	if err == nil {
		r.share(loaded)
	}
	return loaded, err
}

// loadAlone calls load while no other operation loads an inventory: of several that
// begin at once, the first fetches the footers for all.
func (r *Repo) loadAlone(ctx context.Context, load func() (*inventory, error)) (*inventory, error) {
	if err := r.loading.take(ctx); err != nil {
		return nil, err
	}
	defer r.loading.giveBack()
	return load()
}

// shared returns the inventory that was shared last, nil for none.
func (r *Repo) shared() *inventory {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.inventory
}

// share lends an inventory, which must not be changed any more, to other operations.
// A nil one ends that.
func (r *Repo) share(i *inventory) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inventory = i
}

func (r *Repo) load(ctx context.Context, l *listing, reads footerReads) (*inventory, error) {
	packs, trusted := r.trustedPacks(l)
	if !trusted {
		return r.list(ctx, l, reads)
	}
	packs = append(packs, l.rounds...)
	footers, err := r.footers(ctx, packs, reads)
	if err != nil {
		return nil, err
	}
	for _, f := range footers {
		if f.tail != nil {
			r.cache.PutTail(f.pack.Name(), encodeTail(f.size, f.tail), l.token)
		}
	}
	r.rememberFooters(footers)
	return r.newInventory(l, packs, footers), nil
}

// trustedPacks returns the packs whose tails are cached, and reports whether these are
// all packs there are.
func (r *Repo) trustedPacks(l *listing) ([]store.Object, bool) {
	var packs []store.Object
	var newest string
	entry := ""
	r.cache.Each(func(name string, content []byte) { // under one lock: the token is that of these tails
		if id, ok := pack.ParseName(name); ok && !id.IsRound() && len(content) >= sizePrefix {
			packs = append(packs, store.Object{Name: name, Size: int64(binary.LittleEndian.Uint64(content))})
		}
		switch name {
		case tokenEntry:
			entry = string(content)
		case newestEntry:
			newest = string(content)
		}
	})
	return packs, r.trusts(l, entry, newest)
}

// indexCached reports whether loadInventory would list no packs.
func (r *Repo) indexCached(l *listing) bool {
	entry, _ := r.cache.Get(tokenEntry)
	newest, _ := r.cache.Get(newestEntry)
	return r.trusts(l, string(entry), string(newest))
}

// trusts judges the cache's entries for the token and for the newest record.
func (r *Repo) trusts(l *listing, entry, newest string) bool {
	if !r.opts.TrustCache || newest == "" || !contains(l.holders(), newest) {
		return false
	}
	known, at, _ := strings.Cut(entry, " ")
	listed, err := strconv.ParseInt(at, 10, 64)
	age := r.opts.now().Sub(time.Unix(listed, 0))
	return err == nil && l.token != "" && known == l.token && age >= 0 && age < relistEvery
}

// list loads the inventory under the plans of a listing of meta/, from a listing of the
// packs that is made now. The rounds are those of the listing of meta/.
func (r *Repo) list(ctx context.Context, l *listing, reads footerReads) (*inventory, error) {
	objects, err := collect(ctx, r.store, pack.Prefix)
	if err != nil {
		return nil, fmt.Errorf("list packs: %w", err)
	}
	objects = append(objects, l.rounds...)
	listed := make(map[string]bool, len(objects))
	for _, o := range objects {
		listed[o.Name] = true
	}
	r.packs.KeepOnly(listed)
	footers, err := r.footers(ctx, objects, reads)
	if err != nil {
		return nil, err
	}
	tails := make(map[string][]byte)
	for _, f := range footers {
		if f.tail != nil {
			tails[f.pack.Name()] = encodeTail(f.size, f.tail)
		}
	}
	r.cache.ReplaceTails(listed, tails, l.token, r.opts.now())
	r.rememberFooters(footers)
	return r.newInventory(l, objects, footers), nil
}

// newInventory makes an inventory of footers.
func (r *Repo) newInventory(l *listing, objects []store.Object, footers []*footer) *inventory {
	r.share(nil) // memory holds one index less
	i := &inventory{index: index.NewWith(r.damage.Fork()), objects: objects, unreadable: make(map[pack.ID]error)}
	for _, f := range footers {
		switch {
		case f.problem == nil:
			i.index.Add(f.pack, f.entries)
		case isDamage(f.problem): // its blobs are not available; check and prune report it
			i.unreadable[f.pack] = f.problem
		} // else it was swept since the listing
	}
	for id := range l.condemned() {
		i.index.Condemn(id)
	}
	return i
}

// isDamage reports whether err tells of damage.
func isDamage(err error) bool {
	var corrupt *CorruptError
	return errors.As(err, &corrupt)
}
