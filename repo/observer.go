package repo

import (
	"sync"
	"time"

	"firn/chunk"
	"firn/overlay"
)

const (
	// observedBytes bounds what is kept of all images that are read at once for a look at what has changed: some 8,000 pages of
	// 4 KiB of both the old and the new image.
	observedBytes = 64 << 20
	// holdFor is how long a live image waits for the workers after its last byte was read. They have few chunks left then, unless
	// the store is slow, for which no image waits.
	holdFor = 250 * time.Millisecond
)

// observer keeps what an image differs in from its parent while it is stored, and holds the image, so that both can be read
// when all chunks are named. A nil observer does nothing.
type observer struct {
	held    HeldImage        // nil for an image that cannot be read again
	parent  *chunk.List      // nil for none
	changes *overlay.Changes // nil without a parent

	mu    sync.Mutex
	gone  bool // the image was released
	timer *time.Timer
}

// observe makes the observer of an image, if the caller wants to look at it.
func (b *backup) observe(image SourceImage) *observer {
	if b.opts.Prove == nil || b.opts.copied != nil {
		return nil
	}
	o := &observer{}
	o.held, _ = image.(HeldImage)
	if o.held != nil {
		o.held.Hold()
	}
	if b.base != nil {
		o.parent, o.changes = b.base.Chunks(), overlay.New(observedBytes/int64(max(1, b.beside)), o.held == nil)
	}
	return o
}

// compare takes a chunk of the image, and the parent's bytes at a place that overlaps the chunk's.
func (o *observer) compare(offset uint64, plain []byte, parentOffset uint64, parent []byte) {
	if o != nil && o.changes != nil {
		o.changes.Compare(int64(offset), plain, int64(parentOffset), parent)
	}
}

// add takes a chunk that was compared with nothing. The parent may have the same one at the same place.
func (o *observer) add(id chunk.ID, offset uint64, plain []byte) {
	if o == nil || o.changes == nil || hasAt(o.parent, offset, chunk.Entry{ID: id, Span: uint64(len(plain))}) {
		return
	}
	o.changes.Add(int64(offset), plain)
}

// wasRead is called when the last byte was read. Late says that chunks were put aside, since the store is slow.
func (o *observer) wasRead(late bool) {
	switch {
	case o == nil || !o.holdsUp():
	case late:
		o.release()
	default:
		o.timer = time.AfterFunc(holdFor, o.release)
	}
}

// holdsUp reports whether the image holds its source up.
func (o *observer) holdsUp() bool {
	live, ok := o.held.(LiveImage)
	return ok && live.Live()
}

// claim reports whether the image can be read again. It can until it is released.
func (o *observer) claim() bool {
	if o.held == nil {
		return false
	}
	if o.timer != nil {
		o.timer.Stop()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.gone && o.held.Held()
}

// release lets go of what the image holds up. An error would be that of its Close, too.
func (o *observer) release() {
	if o == nil || o.held == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.gone {
		o.gone = true
		_ = o.held.Release()
	}
}
