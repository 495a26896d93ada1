package site

import (
	"context"
	"errors"
	"sync"
	"time"

	"firn/outcome"
	"firn/repo"
	"firn/snapshot"
	"firn/sqlite"
)

// watchedImage is an image whose source may hang. After a call has hung, the image is not used any more, since the call
// may still be using it.
type watchedImage struct {
	*image
	dog     *watchdog
	reading sync.Mutex // of ReadAt
}

var (
	_ repo.SparseImage = (*watchedImage)(nil)
	_ repo.TracedImage = (*watchedImage)(nil)
	_ repo.LiveImage   = (*watchedImage)(nil)
	_ repo.HeldImage   = (*watchedImage)(nil)

	_ Image = (*watchedImage)(nil)
)

// Image is an image of a database as the sources of this package open it.
type Image interface {
	repo.SparseImage
	repo.TracedImage
	repo.LiveImage
	Scan(observe func(page []byte) error) error // see [sqlite.Image.Scan]
	Stored()                                    // see [sqlite.Image.Stored]
}

// WatchedSource is [Source] with a watchdog, which gives up calls after a time without progress.
func WatchedSource(silence time.Duration, path string, opts sqlite.Options) repo.Source {
	return watched(silence, opts, (*watchdog).Call, func(ctx context.Context, opts sqlite.Options) (*image, error) {
		return openImage(ctx, path, opts)
	})
}

// watched returns a source of images that open opens, by a call under a watchdog.
func watched(silence time.Duration, opts sqlite.Options, call func(dog *watchdog, f func() error, late func()) error,
	open func(context.Context, sqlite.Options) (*image, error)) repo.Source {
	return func(ctx context.Context) (repo.SourceImage, error) {
		w := &watchedImage{dog: NewWatchdog(ctx, silence)}
		opts := opts
		if opts.Compact { // VACUUM INTO is one call that reports no progress
			w.dog.Silence = 0
		}
		opts.Alive = w.dog.beat
		var i *image
		err := call(w.dog, func() (err error) { i, err = open(ctx, opts); return err }, func() {
			if i != nil {
				i.Close()
			}
		})
		if err != nil {
			return nil, outcome.OfSource(err)
		}
		w.image = i
		return w, nil
	}
}

// StuckSource marks the error of a call that hung as an error of the source. It returns other errors as they are.
func StuckSource(err error) error {
	if errors.Is(err, outcome.ErrStuck) {
		return outcome.OfSource(err)
	}
	return err
}

// Read reads from the image. A call that hangs keeps the buffer, so after an error the caller must not use the buffer for
// anything else.
func (w *watchedImage) Read(p []byte) (n int, err error) {
	var k int
	err = w.dog.Call(func() (err error) { k, err = w.image.Read(p); return err }, w.abandon)
	if w.dog.err != nil {
		return 0, StuckSource(err)
	}
	return k, err
}

// Skip passes over bytes of the image.
func (w *watchedImage) Skip(n int64) error {
	return StuckSource(w.dog.Call(func() error { return w.image.Skip(n) }, w.abandon))
}

// Scan reads all pages once, before the first Read.
func (w *watchedImage) Scan(observe func(page []byte) error) error {
	return StuckSource(w.dog.Call(func() error { return w.image.Scan(observe) }, w.abandon))
}

// Changed returns the ranges that may have changed, and whether they are known. They are not known if the call hangs: then
// the whole database has to be read.
func (w *watchedImage) Changed(since *snapshot.Snapshot) (ranges [][2]int64, known bool) {
	type answer struct {
		ranges [][2]int64
		known  bool
	}
	answers := make(chan answer, 1)
	err := w.dog.Call(func() error {
		ranges, known := w.image.Changed(since)
		answers <- answer{ranges, known}
		return nil
	}, w.abandon)
	if err != nil {
		return nil, false
	}
	a := <-answers
	return a.ranges, a.known
}

// Trace returns a trace of the changes since a snapshot, nil for none. A call that hangs gives none.
func (w *watchedImage) Trace(since *snapshot.Snapshot) repo.Trace {
	traces := make(chan repo.Trace, 1)
	if err := w.dog.Call(func() error { traces <- w.image.Trace(since); return nil }, w.abandon); err != nil {
		return nil
	}
	return <-traces
}

// Live reports whether the image holds up an application. An image that hangs is not asked.
func (w *watchedImage) Live() bool { return w.dog.err == nil && w.image.Live() }

// Held reports whether the image can be read again. An image that hangs cannot.
func (w *watchedImage) Held() bool { return w.dog.err == nil && w.image.Held() }

// ReadAt reads bytes of an image that is held. Several goroutines may call it at once: one call is under the watchdog at a time.
func (w *watchedImage) ReadAt(p []byte, offset int64) (n int, err error) {
	w.reading.Lock()
	defer w.reading.Unlock()
	buffer, k := make([]byte, len(p)), 0 // a call that hangs keeps them
	err = w.dog.Call(func() (err error) { k, err = w.image.ReadAt(buffer, offset); return err }, w.abandon)
	if w.dog.err != nil {
		return 0, StuckSource(err)
	}
	return copy(p, buffer[:k]), err
}

// Release lets go of what a held image holds up.
func (w *watchedImage) Release() error {
	w.reading.Lock()
	defer w.reading.Unlock()
	return w.dog.Call(w.image.Release, w.abandon)
}

// Stored is [sqlite.Image.Stored]. An image that hangs is not marked: it counts as not stored.
func (w *watchedImage) Stored() {
	if w.dog.err == nil {
		w.image.Stored()
	}
}

// abandon closes the image after a call has come back that was given up: its follower waits for that.
func (w *watchedImage) abandon() { w.image.Close() }

// Close closes the image, unless a call hangs.
func (w *watchedImage) Close() error { return w.dog.Call(w.image.Close, Nothing) }
