package repo

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"golang.org/x/sync/errgroup"

	"firn/chunk"
	"firn/crypt"
	"firn/index"
	"firn/pack"
	"firn/store"
)

const (
	// tailGuess is how much of a pack's end is read at first, in bytes: enough for
	// the footer and the list nodes of a usual run.
	tailGuess = 32 << 10
	// An operation that counts bytes rather than requests reads this much.
	onDemandGuess = 4 << 10
	// So many footers are read at a time.
	footersTogether = 8
	// Up to so many packs that are new here come from runs of other hosts since the last
	// run here, so that their nodes and bases are needed next. More come from a cold start:
	// most of them are old, and their footers will do.
	newPacks = 64
)

// footer is the list of a pack's blobs.
type footer struct {
	pack    pack.ID
	size    int64 // of the pack
	entries []pack.Entry
	tail    []byte // footer and trailer as they were fetched; nil if they are cached
	problem error  // a CorruptError, or matches fs.ErrNotExist: then there are no entries
}

// footers returns the footers of the packs among objects, in their order: from the
// cache, or, several at a time, from the store.
func (r *Repo) footers(ctx context.Context, objects []store.Object, reads footerReads) ([]*footer, error) {
	var all, missing []*footer
	for _, o := range objects {
		if id, ok := pack.ParseName(o.Name); ok { // else a foreign file in the folder
			all = append(all, &footer{pack: id, size: o.Size})
		}
	}
	cached := make([]bool, len(all))
	err := spread(ctx, len(all), func(_, i int) {
		all[i].entries, cached[i] = r.cachedFooter(all[i].pack, all[i].size)
	})
	if err != nil {
		return nil, err
	}
	for i, f := range all {
		if !cached[i] {
			missing = append(missing, f)
		}
	}
	return all, r.fetchFooters(ctx, missing, reads)
}

// rememberFooters keeps footers for the next inventory, once their tails are cached.
func (r *Repo) rememberFooters(all []*footer) {
	known := make(map[string]opened[[]pack.Entry], len(all))
	for _, f := range all {
		if cached, ok := r.cache.Get(f.pack.Name()); ok && f.problem == nil {
			known[f.pack.Name()] = opened[[]pack.Entry]{cached, f.entries}
		}
	}
	r.footed.replace(known)
}

// A cached tail is the pack's size, 8 bytes little-endian, and its last bytes.
const sizePrefix = 8

func encodeTail(size int64, tail []byte) []byte {
	entry := binary.LittleEndian.AppendUint64(make([]byte, 0, sizePrefix+len(tail)), uint64(size))
	return append(entry, tail...)
}

// cutTail takes such an entry apart.
func cutTail(entry []byte) (size int64, tail []byte, ok bool) {
	if len(entry) < sizePrefix {
		return 0, nil, false
	}
	return int64(binary.LittleEndian.Uint64(entry)), entry[sizePrefix:], true
}

func (r *Repo) cachedFooter(id pack.ID, size int64) ([]pack.Entry, bool) {
	cached, _ := r.cache.Get(id.Name())
	listed, tail, ok := cutTail(cached)
	if !ok {
		return nil, false
	}
	if entries, ok := r.footed.get(id.Name(), cached); ok && listed == size {
		return entries, true
	}
	entries, need, err := pack.ParseTail(r.keys, id, size, tail)
	return entries, err == nil && need == 0
}

// fetchFooters reads footers from the store. Packs that are damaged or gone do not
// keep it from the others; other errors end it.
func (r *Repo) fetchFooters(ctx context.Context, footers []*footer, reads footerReads) error {
	keep := len(footers) <= newPacks && reads == withNodes
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(footersTogether)
	for _, f := range footers {
		group.Go(func() error {
			f.problem = r.fetchFooter(ctx, f, reads, keep)
			if f.problem == nil || isDamage(f.problem) || errors.Is(f.problem, fs.ErrNotExist) {
				return nil
			}
			return f.problem
		})
	}
	return group.Wait()
}

// fetchFooter reads the end of a pack. With keep, it reads a small pack whole, and puts the
// bytes into the cache of packs.
func (r *Repo) fetchFooter(ctx context.Context, f *footer, reads footerReads, keep bool) error {
	want := int64(tailGuess)
	if reads == onDemandOnly {
		want = onDemandGuess
	}
	if keep && f.size < wholeBelow && r.packs.Admits(f.size) {
		want = max(want, f.size)
	}
	end, err := r.store.Get(ctx, f.pack.Name(), -want, -1)
	for {
		if errors.Is(err, io.ErrUnexpectedEOF) { // it is not as long as it was listed
			return damaged(kindOf(f.pack.Name()), f.pack.Name(), err)
		}
		if err != nil {
			return fmt.Errorf("read tail of pack %s: %w", f.pack, err)
		}
		entries, need, bad := pack.ParseTail(r.keys, f.pack, f.size, end)
		if bad != nil {
			return damaged(kindOf(f.pack.Name()), f.pack.Name(), bad)
		}
		if need == 0 {
			f.entries = entries
			f.tail = bytes.Clone(end[int64(len(end))-(f.size-footerStart(entries)):])
			if keep {
				r.keepEnd(f, end)
			}
			return nil
		}
		if int64(need) <= want {
			return damaged(kindOf(f.pack.Name()), f.pack.Name(), fmt.Errorf("%w: %d bytes where %d are listed", pack.ErrFormat, len(end), f.size))
		}
		var front []byte
		front, err = r.store.Get(ctx, f.pack.Name(), f.size-int64(need), int64(need)-want)
		end, want = append(front, end...), int64(need)
	}
}

// keepEnd caches a pack of which all was read, else the nodes that stand before the
// footer, as far as they were read with it.
func (r *Repo) keepEnd(f *footer, end []byte) {
	start := f.size - int64(len(end)) // of the bytes that were read
	if start == 0 {
		r.packs.PutPack(f.pack, end)
		return
	}
	for _, e := range f.entries {
		if at := int64(e.Offset) - start; e.Kind == chunk.Node && at >= 0 {
			r.packs.PutBlob(index.Location{Pack: f.pack, Entry: e}, end[at:][:e.Length])
		}
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
