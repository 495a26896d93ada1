package repo

import (
	"cmp"
	"context"
	"io"
	"os"
	"time"

	"firn/spool"
)

// backlog holds chunks that were read of an image and cannot be stored yet, so that a live
// database is read at the disk's speed, however long the store takes. A fast store needs no
// backlog: a chunk is put aside only after the store has kept all workers waiting for the
// time of [backlog.patience].
type backlog struct {
	dir      string
	stalled  func() bool // all workers wait for the store
	heldUp   func(reason error)
	live     LiveImage // nil for an image that holds nothing up
	patience int       // ticks that the store may still keep all workers waiting
	tick     *time.Ticker
	file     *spool.File // nil until it is needed
	chunks   []deferred
	refused  error // why no more chunks are put aside; nil if they are
}

// deferred is a chunk in the file.
type deferred struct {
	at    int // in the list of chunks
	place spool.Place
}

const (
	// Packs that a fast store takes keep all workers waiting for less than this. It is short
	// beside the second or two that reading a large database takes.
	patienceTicks = 25
	tickEvery     = 10 * time.Millisecond
)

func newBacklog(dir string, stalled func() bool, heldUp func(error)) *backlog {
	return &backlog{dir: cmp.Or(dir, os.TempDir()), stalled: stalled, heldUp: heldUp, patience: patienceTicks}
}

// of says which image is read.
func (b *backlog) of(image io.Reader) { b.live, _ = image.(LiveImage) }

// worker waits for an idle worker. Once the store has used up its patience it puts the chunk
// aside instead, and returns none.
func (b *backlog) worker(ctx context.Context, idle <-chan *worker, at int, data []byte) (*worker, error) {
	for {
		select {
		case w := <-idle:
			return w, nil
		default:
		}
		if b.wanted() && b.patience == 0 && b.put(at, data) {
			return nil, nil
		}
		select {
		case w := <-idle:
			return w, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-b.ticks():
			if b.patience > 0 && b.stalled() {
				b.patience--
			}
		}
	}
}

// wanted reports whether chunks are to be put aside.
func (b *backlog) wanted() bool { return b.refused == nil && b.live != nil && b.live.Live() }

// ticks returns a channel of ticks, nil where no backlog is needed.
func (b *backlog) ticks() <-chan time.Time {
	if !b.wanted() {
		return nil
	}
	if b.tick == nil {
		b.tick = time.NewTicker(tickEvery)
	}
	return b.tick.C
}

// put puts a chunk aside, and reports whether that was possible. If not, the source has to
// wait for the store.
func (b *backlog) put(at int, data []byte) bool {
	place, err := b.write(data)
	if err != nil {
		b.refused = err
		if b.heldUp != nil {
			b.heldUp(err)
		}
		return false
	}
	b.chunks = append(b.chunks, deferred{at, place})
	return true
}

func (b *backlog) write(data []byte) (place spool.Place, err error) {
	if b.file == nil {
		if b.file, err = spool.New(b.dir); err != nil {
			return 0, err
		}
	}
	return b.file.Put(data)
}

// get appends the n bytes of a chunk to dst.
func (b *backlog) get(dst []byte, a deferred, n int) ([]byte, error) {
	return b.file.Get(dst, a.place, n)
}

// close removes the file. Remains of it have no name and no key, so that an error does not matter.
func (b *backlog) close() {
	if b.tick != nil {
		b.tick.Stop()
	}
	if b.file != nil {
		_ = b.file.Close()
	}
}
