package repo

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"golang.org/x/sync/semaphore"

	"firn/chunk"
	"firn/crypt"
	"firn/index"
	"firn/pack"
)

// errMissing is the cause in a CorruptError for a blob that no pack holds.
var errMissing = errors.New("no pack holds it whole")

const (
	// recentBytes bounds the plaintexts that a blobReader keeps.
	recentBytes = 16 << 20
	// basesBytes bounds them in a backup: it goes through the bases in order, so
	// that only neighbours ask for the same. More saved no time.
	basesBytes = 4 << 20
)

// blobReader turns blob IDs into plaintexts. It is safe for concurrent use
// as long as the repository's index does not change.
type blobReader struct {
	repo    *Repo
	openers sync.Pool           // of *opener
	reading *semaphore.Weighted // bytes that batches have under way

	mu       sync.Mutex
	recent   map[chunk.ID]*list.Element // of recentBlob
	order    *list.List                 // most recently used first
	size     int
	most     int                       // of size
	expected map[pack.ID]chan struct{} // whole packs on their way into the cache
}

type recentBlob struct {
	id    chunk.ID
	plain []byte
}

func newBlobReader(r *Repo) *blobReader {
	return &blobReader{
		repo:     r,
		reading:  semaphore.NewWeighted(readingBytes),
		recent:   make(map[chunk.ID]*list.Element),
		order:    list.New(),
		most:     recentBytes,
		expected: make(map[pack.ID]chan struct{}),
	}
}

// readPastCache makes the repository forget the blobs that it remembers, and read
// all from the store until the returned function is called: a cache must not hide
// damage from who looks for it.
func (r *Repo) readPastCache() (undo func()) {
	packs := r.packs
	r.packs, r.reader = nil, newBlobReader(r)
	return func() { r.packs = packs }
}

// read returns the plaintext of a blob, which the caller must not change. Where
// one copy is damaged or gone, it goes on to the next.
func (b *blobReader) read(ctx context.Context, id chunk.ID) ([]byte, error) {
	return b.readFrom(ctx, nil, id)
}

// readFrom is read with a batch that may have the blob, or be about to have it.
func (b *blobReader) readFrom(ctx context.Context, held *batch, id chunk.ID) ([]byte, error) {
	if plain, ok := b.remembered(id); ok {
		return plain, nil
	}
	var first error
	for {
		chain := b.repo.index.Chain(id)
		if chain == nil && first == nil {
			return nil, &CorruptError{Kind: "blob", Name: id.String(), Err: errMissing}
		}
		if chain == nil {
			return nil, first
		}
		plains, err := b.readChain(ctx, held, chain)
		if err == nil {
			return plains[0], nil
		}
		if !isDamage(err) {
			return nil, err
		}
		if first == nil {
			first = err
		}
	}
}

// readInto is readFrom for a blob that nobody is going to ask for again: its plaintext
// is not remembered, and is the caller's, who lends a buffer for it.
func (b *blobReader) readInto(ctx context.Context, held *batch, id chunk.ID, buffer []byte) ([]byte, error) {
	o, err := b.opener()
	if err != nil {
		return nil, err
	}
	defer b.openers.Put(o)
	sealed := func(l index.Location, open func([]byte) error) error { return b.decode(ctx, held, l, open) }
	if plain, ok := o.chain(b.repo.index.Chain(id), sealed, buffer); ok {
		return plain, nil
	}
	plain, err := b.readFrom(ctx, held, id) // with care: it tells what is wrong, or finds another chain
	return append(buffer[:0], plain...), err
}

// readChain returns the plaintexts of a blob and of the bases that it stands on,
// in the order of the chain.
func (b *blobReader) readChain(ctx context.Context, held *batch, chain []index.Location) ([][]byte, error) {
	plains := make([][]byte, len(chain))
	var base []byte
	for i := len(chain) - 1; i >= 0; i-- {
		plain, ok := b.remembered(chain[i].ID)
		if !ok {
			err := b.decode(ctx, held, chain[i], func(sealed []byte) (err error) {
				plain, err = b.openSealed(chain[i], sealed, base, nil)
				return err
			})
			if err != nil {
				return nil, err
			}
			b.remember(chain[i].ID, plain)
		}
		plains[i], base = plain, plain
	}
	return plains, nil
}

// readStored is readFrom with the payload, nil unless the blob is stored whole.
func (b *blobReader) readStored(ctx context.Context, held *batch, id chunk.ID) (payload, plain []byte, err error) {
	var first error
	if chain := b.repo.index.Chain(id); len(chain) == 1 {
		err := b.decode(ctx, held, chain[0], func(sealed []byte) (err error) {
			payload, plain, err = b.openStored(chain[0], sealed)
			return err
		})
		if err == nil {
			b.remember(id, plain)
		}
		if !isDamage(err) {
			return payload, plain, err
		}
		first = err
	}
	plain, err = b.readFrom(ctx, held, id)
	if first != nil && isDamage(err) {
		err = first
	}
	return nil, plain, err
}

// decode reads one sealed blob from its pack, for open to open it. A place where the
// store has nothing, or something else than its ID names, is one no more.
func (b *blobReader) decode(ctx context.Context, held *batch, l index.Location, open func(sealed []byte) error) error {
	if b.atHand(held, l, open) {
		return nil
	}
	b.repo.waiting.Add(1)
	sealed, err := b.repo.store.Get(ctx, l.Pack.Name(), int64(l.Offset), int64(l.Length))
	b.repo.waiting.Add(-1)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, io.ErrUnexpectedEOF) {
		b.repo.index.Spoil(l.Pack, l.ID)
		return &CorruptError{Kind: "pack", Name: l.Pack.Name(), Err: err}
	}
	if err != nil {
		return fmt.Errorf("read blob %s from pack %s: %w", l.ID, l.Pack, err)
	}
	if err := open(sealed); err != nil {
		b.repo.index.Spoil(l.Pack, l.ID)
		return &CorruptError{Kind: "pack", Name: l.Pack.Name(), Err: fmt.Errorf("blob %s at %d: %w", l.ID, l.Offset, err)}
	}
	b.repo.packs.putBlob(l, sealed)
	return nil
}

// atHand hands a sealed blob to use, first from the batch, then from the cache,
// and reports whether one of them was good. What is not is no news of the store:
// a read of its own tells what that one has.
func (b *blobReader) atHand(held *batch, l index.Location, use func(sealed []byte) error) bool {
	if sealed, ok := held.get(l); ok && use(sealed) == nil {
		return true
	}
	if coming := b.arriving(l.Pack); coming != nil {
		<-coming
	}
	sealed, file, ok := b.repo.packs.get(l)
	if !ok {
		return false
	}
	if use(sealed) != nil {
		b.repo.packs.drop(file)
		return false
	}
	return true
}

// name computes a blob's ID.
func (r *Repo) name(kind chunk.Kind, plain []byte) chunk.ID {
	return r.keys.BlobID(crypt.BlobKind(kind), plain)
}

func (b *blobReader) remembered(id chunk.ID) ([]byte, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, ok := b.recent[id]
	if !ok {
		return nil, false
	}
	b.order.MoveToFront(e)
	return e.Value.(recentBlob).plain, true
}

func (b *blobReader) remember(id chunk.ID, plain []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.recent[id]; ok {
		return
	}
	b.recent[id] = b.order.PushFront(recentBlob{id, plain})
	b.size += len(plain)
	for b.size > b.most {
		oldest := b.order.Back()
		blob := b.order.Remove(oldest).(recentBlob)
		delete(b.recent, blob.id)
		b.size -= len(blob.plain)
	}
}
