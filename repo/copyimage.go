package repo

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"sort"
	"sync"

	"firn/snapshot"
)

// copiedImage is an image of one repository as the source of a backup into another.
type copiedImage struct {
	ctx    context.Context // io.Reader is given none
	copier *Copier
	of     *snapshot.Snapshot
	image  *ImageReader

	sparse  bool // only the changed ranges will be read, and little beside them
	changed [][2]int64
	at      int64      // of the next byte
	run     *chunksRun // nil for none
}

var _ SparseImage = (*copiedImage)(nil)

func (c *Copier) open(ctx context.Context, s *snapshot.Snapshot) (SourceImage, error) {
	image, err := c.image(ctx, s)
	if err != nil {
		return nil, err
	}
	return &copiedImage{ctx: ctx, copier: c, of: s, image: image}, nil
}

// Describe returns what the original's record says, but for the fingerprint, which is of a
// file on the host that took the original.
func (i *copiedImage) Describe() snapshot.Image {
	described := *i.of.Image()
	described.Fingerprint = nil
	return described
}

// Unchanged reports false. Instead of a fingerprint, [copiedImage.Changed] compares lists.
func (i *copiedImage) Unchanged(json.RawMessage) bool { return false }

// Changed returns the ranges that differ from the image of a snapshot of the target, if the
// source still has the original of that snapshot.
func (i *copiedImage) Changed(parent *snapshot.Snapshot) ([][2]int64, bool) {
	before := i.copier.origins[parent.Origin(i.copier.to.id.String())]
	if before == nil {
		return nil, false
	}
	other, err := i.copier.image(i.ctx, before)
	if err != nil { // then all is read
		return nil, false
	}
	for from, to := range i.image.Differing(other) {
		i.changed = append(i.changed, [2]int64{from, to})
	}
	i.sparse = true
	return i.changed, true
}

// Skip passes over n bytes.
func (i *copiedImage) Skip(n int64) error {
	i.at += n
	return nil
}

// Read reads the image on.
func (i *copiedImage) Read(p []byte) (int, error) {
	for i.at < i.image.Size() {
		if i.run == nil || i.run.at != i.at {
			i.stop()
			i.run = i.image.run(i.ctx, i.at, i.worthReading())
		}
		n, err := i.run.Read(p)
		i.at += int64(n)
		if n > 0 || err != nil && !errors.Is(err, io.EOF) {
			return n, unreadable(err)
		}
		i.stop() // the run is at its end
	}
	return 0, io.EOF
}

// worthReading returns the place up to which it is worth reading from here on.
func (i *copiedImage) worthReading() int64 {
	if !i.sparse {
		return i.image.Size()
	}
	n := sort.Search(len(i.changed), func(n int) bool { return i.changed[n][1] > i.at })
	if n < len(i.changed) && i.changed[n][0] <= i.at {
		return min(i.changed[n][1], i.image.Size())
	}
	return i.at + 1
}

func (i *copiedImage) stop() {
	if i.run != nil {
		i.run.stop()
		i.run = nil
	}
}

// Close ends a read that is under way.
func (i *copiedImage) Close() error {
	i.stop()
	return nil
}

// chunksRun delivers the bytes of neighbouring chunks, which are read ahead.
type chunksRun struct {
	pipe    *io.PipeReader
	at      int64 // of the next byte
	cancel  context.CancelFunc
	reading sync.WaitGroup
}

// run starts to read an image, from a byte to the end of the chunk that has the one
// before to. Of the image nothing else may be read until it is stopped.
func (i *ImageReader) run(ctx context.Context, from, to int64) *chunksRun {
	list := i.tree.Chunks()
	first, end := list.At(uint64(from)), list.At(uint64(to-1))+1
	before := uint64(from) - list.Offset(first) // bytes of the first chunk that were not asked for
	ctx, cancel := context.WithCancel(ctx)
	pipe, w := io.Pipe()
	r := &chunksRun{pipe: pipe, at: from, cancel: cancel}
	r.reading.Go(func() {
		w.CloseWithError(i.pass(ctx, list.Entries[first:end], outlet{
			read: i.chunk,
			write: func(plain []byte, _ uint64) error {
				plain, before = plain[before:], 0
				return writeImage(w, plain)
			},
		}))
	})
	return r
}

// Read returns io.EOF at the end of the run.
func (r *chunksRun) Read(p []byte) (int, error) {
	n, err := r.pipe.Read(p)
	r.at += int64(n)
	return n, err
}

// stop waits until nothing reads any more.
func (r *chunksRun) stop() {
	r.cancel()
	r.pipe.Close()
	r.reading.Wait()
}
