package repo

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"firn/chunk"
	"firn/index"
	"firn/pack"
	"firn/snapshot"
)

// packer gathers sealed blobs into packs and stores each pack when it is full.
// It is safe for concurrent use.
type packer struct {
	repo    *Repo
	token   string        // of the plans that the operation knows
	id      snapshot.ID   // of the snapshot that the packs are for
	dry     bool          // store nothing, only count
	waiting *atomic.Int32 // how many of its users wait for the store

	mu       sync.Mutex
	open     *pack.Writer
	spare    *pack.Writer      // whose pack is stored, for its memory; nil for none
	claimed  map[chunk.ID]bool // blobs of packs that are not stored yet
	stored   *index.Index      // of the packs that are
	added    int64             // bytes of the packs
	began    time.Time
	failed   error    // why a claimed blob was not stored: others may rely on it already
	partials []string // names of the partial records written
	writing  bool     // another one is being written
}

func newPacker(r *Repo, l *listing, id snapshot.ID, dry bool) *packer {
	return &packer{
		repo: r, token: l.token, id: id, dry: dry, waiting: new(atomic.Int32),
		open:    pack.NewWriter(r.keys, pack.NewID()),
		claimed: make(map[chunk.ID]bool),
		stored:  index.New(),
		began:   r.opts.now(),
	}
}

// claim reports whether the caller shall store the blob: true for the first caller only.
func (p *packer) claim(id chunk.ID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.claimed[id] || p.stored.Holds(id) {
		return false
	}
	p.claimed[id] = true
	return true
}

// fail tells that a blob that was claimed is not stored.
func (p *packer) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failed = cmp.Or(p.failed, err)
}

// add appends a sealed blob and, if that fills the pack, stores it.
func (p *packer) add(ctx context.Context, e pack.Entry, sealed []byte) error {
	p.mu.Lock()
	p.open.Add(e, sealed)
	full := p.open
	if !full.Full() {
		p.mu.Unlock()
		return nil
	}
	p.open = p.writer()
	p.mu.Unlock()
	return p.upload(ctx, full)
}

// writer returns a writer of a new pack.
func (p *packer) writer() *pack.Writer {
	w := p.spare
	if w == nil {
		return pack.NewWriter(p.repo.keys, pack.NewID())
	}
	p.spare = nil
	w.Reset(pack.NewID())
	return w
}

// flush stores the last pack, if it holds anything.
func (p *packer) flush(ctx context.Context) error {
	if p.open.Len() == 0 {
		return nil
	}
	last := p.open
	p.open = p.writer()
	return p.upload(ctx, last)
}

// upload stores a finished pack.
func (p *packer) upload(ctx context.Context, w *pack.Writer) error {
	p.waiting.Add(1)
	defer p.waiting.Add(-1)
	object, entries, tail, err := w.Finish()
	if err != nil {
		return err
	}
	if !p.dry {
		if err := p.repo.store.Put(ctx, w.ID().Name(), object); err != nil {
			return fmt.Errorf("write pack %s: %w", w.ID(), err)
		}
		p.repo.packs.PutPack(w.ID(), object) // the next run's bases and nodes
	}
	p.note(w, entries, object, tail)
	return p.protect(ctx)
}

// note takes note of a pack that was stored.
func (p *packer) note(w *pack.Writer, entries []pack.Entry, object []byte, tail int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stored.Add(w.ID(), entries)
	for _, e := range entries {
		delete(p.claimed, e.ID)
	}
	p.added += int64(len(object))
	p.spare = w // the store has its copy
	if !p.dry {
		p.repo.cache.PutTail(w.ID().Name(), encodeTail(int64(len(object)), object[len(object)-tail:]), p.token)
	}
}

// protect writes a partial record when the upload has gone on for long, so that
// no prune takes its packs for the remains of a crash.
func (p *packer) protect(ctx context.Context) error {
	record := p.due()
	if record == nil {
		return nil
	}
	name, err := p.repo.putPartial(ctx, record) // without the lock, which all workers need
	p.mu.Lock()
	defer p.mu.Unlock()
	p.writing = false
	if err == nil {
		p.partials = append(p.partials, name)
	}
	return err
}

// due returns the partial record to write, nil for none.
func (p *packer) due() *partial {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dry || p.writing || p.repo.opts.now().Sub(p.began) < partialEvery*time.Duration(len(p.partials)+1) {
		return nil
	}
	p.writing = true
	return &partial{Version: formatVersion, ID: p.id, Host: p.repo.opts.Host, Packs: p.ids()}
}

// ids returns the packs that were stored, in the order of their IDs.
func (p *packer) ids() []pack.ID {
	return slices.SortedFunc(slices.Values(p.stored.Packs()), compareIDs)
}

// addTo adds the stored packs to an index. No worker may be reading it.
func (p *packer) addTo(x *index.Index) {
	for _, id := range p.stored.Packs() {
		x.Add(id, p.stored.Entries(id))
	}
}
