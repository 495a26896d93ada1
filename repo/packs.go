package repo

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"firn/crypt"
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

// tailGuess is how much of a pack's end is read at first, in bytes: enough for
// the footer and the list nodes of a usual run.
const tailGuess = 32 << 10

// loadIndex builds the index for a view. If no plan was published since the
// cached tails were listed, no pack that the plans do not name can have gone:
// then, where a listing costs more than it is worth, the cache alone is the index.
func (r *Repo) loadIndex(ctx context.Context, v *view) error {
	if !r.indexCached(v) {
		return r.reloadIndex(ctx, v)
	}
	return r.buildIndex(ctx, v, r.cachedPacks())
}

func (r *Repo) indexCached(v *view) bool {
	b, _ := r.cache.get(tokenEntry)
	known, at, _ := strings.Cut(string(b), " ")
	if newest, ok := r.cache.get(newestEntry); !r.opts.TrustCache || !ok || !contains(v.records, string(newest)) {
		return false
	}
	listed, err := strconv.ParseInt(at, 10, 64)
	age := r.opts.now().Sub(time.Unix(listed, 0))
	return err == nil && v.token != "" && known == v.token && age >= 0 && age < relistEvery
}

// reloadIndex builds the index for a view from a listing of the packs.
func (r *Repo) reloadIndex(ctx context.Context, v *view) error {
	objects, err := collect(r.store.List(ctx, pack.Prefix))
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
func (r *Repo) buildIndex(ctx context.Context, v *view, objects []store.Object) error {
	x := index.New()
	if r.index != nil {
		x.SpoilAs(r.index)
	}
	r.unreadable = nil
	for _, o := range objects {
		id, ok := pack.ParseName(o.Name)
		if !ok {
			continue // not ours: a foreign file in the folder
		}
		entries, err := r.footer(ctx, id, o.Size)
		if errors.Is(err, fs.ErrNotExist) {
			continue // swept since the listing
		}
		if isDamage(err) { // its blobs are not available; check and prune report it
			r.unreadable = append(r.unreadable, err)
			continue
		}
		if err != nil {
			return err
		}
		x.Add(id, entries)
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

// A cached tail is the pack's size, 8 bytes little-endian, and its last bytes.
const sizePrefix = 8

func (r *Repo) cacheTail(id pack.ID, size int64, tail []byte) {
	entry := binary.LittleEndian.AppendUint64(make([]byte, 0, sizePrefix+len(tail)), uint64(size))
	r.cache.put(id.Name(), append(entry, tail...))
}

// footer returns what a pack of size bytes holds, from the cache or the store.
func (r *Repo) footer(ctx context.Context, id pack.ID, size int64) ([]pack.Entry, error) {
	if cached, ok := r.cache.get(id.Name()); ok && len(cached) >= sizePrefix {
		entries, need, err := pack.ParseTail(r.keys, id, size, cached[sizePrefix:])
		if err == nil && need == 0 {
			return entries, nil
		}
	}
	return r.fetchFooter(ctx, id, size)
}

// fetchFooter reads the footer from the store and caches what belongs to it.
func (r *Repo) fetchFooter(ctx context.Context, id pack.ID, size int64) ([]pack.Entry, error) {
	for want := int64(tailGuess); ; {
		tail, err := r.store.Get(ctx, id.Name(), -want, -1)
		if err != nil {
			return nil, fmt.Errorf("read tail of pack %s: %w", id, err)
		}
		entries, need, err := pack.ParseTail(r.keys, id, size, tail)
		if err != nil {
			return nil, damaged("pack", id.Name(), err)
		}
		if need == 0 {
			r.cacheTail(id, size, tail[int64(len(tail))-(size-footerStart(entries)):])
			return entries, nil
		}
		if int64(need) <= want {
			return nil, damaged("pack", id.Name(), fmt.Errorf("%w: %d bytes where %d are listed", pack.ErrFormat, len(tail), size))
		}
		want = int64(need)
	}
}

// footerStart returns where the footer behind the entries begins.
func footerStart(entries []pack.Entry) int64 {
	if len(entries) == 0 {
		return crypt.HeaderLen
	}
	last := entries[len(entries)-1]
	return int64(last.Offset) + int64(last.Length)
}

// isDamage reports whether err tells of damage.
func isDamage(err error) bool {
	var corrupt *CorruptError
	return errors.As(err, &corrupt)
}
