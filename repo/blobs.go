package repo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync/atomic"

	"firn/chunk"
	"firn/crypt"
	"firn/index"
)

// errMissing is the cause in a CorruptError for a blob that no pack holds.
var errMissing = errors.New("no pack holds it whole")

const (
	// recentBytes bounds the plaintexts that the readers of a repository keep together.
	recentBytes = 16 << 20
	// basesBytes bounds the bases that a backup keeps: it goes through them in order, so
	// that only neighbours ask for the same. More saved no time.
	basesBytes = 4 << 20
)

// blobReader turns blob IDs into plaintexts, for one operation. It is safe for concurrent
// use as long as its inventory does not change.
type blobReader struct {
	repo      *Repo
	inventory *inventory
	recent    *plaintexts   // the blobs that it reads are kept there
	others    *plaintexts   // are searched, too; nil for none
	waiting   *atomic.Int32 // how many of its users wait for the store
}

// newReader returns a reader that shares its plaintexts with others.
func (r *Repo) newReader(inv *inventory) *blobReader {
	return &blobReader{repo: r, inventory: inv, recent: r.recent, waiting: new(atomic.Int32)}
}

// index returns where the blobs are.
func (b *blobReader) index() *index.Index { return b.inventory.index }

// read returns the plaintext of a blob, which the caller must not change. Where
// one copy is damaged or gone, it goes on to the next.
func (b *blobReader) read(ctx context.Context, id chunk.ID) ([]byte, error) {
	return b.readFrom(ctx, nil, id)
}

// readFrom is read with a batch that may have the blob, or be about to have it.
func (b *blobReader) readFrom(ctx context.Context, ready *batch, id chunk.ID) ([]byte, error) {
	if plain, ok := b.remembered(id); ok {
		return plain, nil
	}
	var first error
	for {
		chain := b.index().Chain(id)
		if chain == nil && first == nil {
			return nil, &CorruptError{Kind: "blob", Name: id.String(), Err: errMissing}
		}
		if chain == nil {
			return nil, first
		}
		plains, err := b.readChain(ctx, ready, chain)
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

// readInto is readFrom for a blob that is used once: its plaintext is not remembered, and is
// the caller's, in the buffer that the caller lends.
func (b *blobReader) readInto(ctx context.Context, ready *batch, id chunk.ID, buffer []byte) ([]byte, error) {
	o, err := b.opener()
	if err != nil {
		return nil, err
	}
	defer b.repo.openers.Put(o)
	sealed := func(l index.Location, open func([]byte) error) error { return b.decode(ctx, ready, l, open) }
	if plain, ok := o.chain(b.index().Chain(id), sealed, buffer); ok {
		return plain, nil
	}
	plain, err := b.readFrom(ctx, ready, id) // with care: it finds another chain, or the error
	return append(buffer[:0], plain...), err
}

// readChain returns the plaintexts of a blob and of the bases that it stands on,
// in the order of the chain.
func (b *blobReader) readChain(ctx context.Context, ready *batch, chain []index.Location) ([][]byte, error) {
	plains := make([][]byte, len(chain))
	var base []byte
	for i := len(chain) - 1; i >= 0; i-- {
		plain, ok := b.remembered(chain[i].ID)
		if !ok {
			err := b.decode(ctx, ready, chain[i], func(sealed []byte) (err error) {
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
func (b *blobReader) readStored(ctx context.Context, ready *batch, id chunk.ID) (payload, plain []byte, err error) {
	var first error
	if chain := b.index().Chain(id); len(chain) == 1 {
		err := b.decode(ctx, ready, chain[0], func(sealed []byte) (err error) {
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
	plain, err = b.readFrom(ctx, ready, id)
	if first != nil && isDamage(err) {
		err = first
	}
	return nil, plain, err
}

// decode reads one sealed blob from its pack, for open to open it. If the store has nothing
// at that place, or another content than the ID names, the index forgets the place.
func (b *blobReader) decode(ctx context.Context, ready *batch, l index.Location, open func(sealed []byte) error) error {
	if b.atHand(ready, l, open) {
		return nil
	}
	b.waiting.Add(1)
	sealed, err := b.repo.store.Get(ctx, l.Pack.Name(), int64(l.Offset), int64(l.Length))
	b.waiting.Add(-1)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, io.ErrUnexpectedEOF) {
		b.index().Spoil(l.Pack, l.ID)
		return &CorruptError{Kind: "pack", Name: l.Pack.Name(), Err: err}
	}
	if err != nil {
		return fmt.Errorf("read blob %s from pack %s: %w", l.ID, l.Pack, err)
	}
	if err := open(sealed); err != nil {
		b.index().Spoil(l.Pack, l.ID)
		return &CorruptError{Kind: "pack", Name: l.Pack.Name(), Err: fmt.Errorf("blob %s at %d: %w", l.ID, l.Offset, err)}
	}
	b.repo.packs.PutBlob(l, sealed)
	return nil
}

// atHand hands a sealed blob to use, first from the batch, then from the cache, and reports
// whether one of them was good. A bad one says nothing of the store: the caller then reads
// the blob from there.
func (b *blobReader) atHand(ready *batch, l index.Location, use func(sealed []byte) error) bool {
	if sealed, ok := ready.get(l); ok && use(sealed) == nil {
		return true
	}
	if coming := b.repo.packs.Arriving(l.Pack); coming != nil {
		<-coming
	}
	sealed, file, ok := b.repo.packs.Get(l)
	if !ok {
		return false
	}
	if use(sealed) != nil {
		b.repo.packs.Drop(file)
		return false
	}
	return true
}

// name computes a blob's ID.
func (r *Repo) name(kind chunk.Kind, plain []byte) chunk.ID { return nameOf(r.keys, kind, plain) }

func nameOf(keys *crypt.Keys, kind chunk.Kind, plain []byte) chunk.ID {
	return keys.BlobID(crypt.BlobKind(kind), plain)
}

func (b *blobReader) remembered(id chunk.ID) ([]byte, bool) {
	if plain, ok := b.recent.get(id); ok {
		return plain, true
	}
	return b.others.get(id)
}

func (b *blobReader) remember(id chunk.ID, plain []byte) { b.recent.put(id, plain) }
