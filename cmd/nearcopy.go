package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"firn/repo"
	"firn/snapshot"
)

// sound reports whether the snapshot needs no other check: it was found sound before, and its IDs prove that the bytes
// are the same.
func (r *restoration) sound() bool { return r.source.Verified.Sound() }

// fromNear reports whether only what the target does not have need be fetched. Whoever runs SQLite on the image needs
// all of it: a check, or a scrubbing.
func (r *restoration) fromNear() bool {
	t := r.target
	return t.exists && t.broken == nil && t.info.PageSize == r.source.Image().PageSize && r.sound() && r.scrub == nil
}

// nearCopy is the [sqlite.Partial] that has the rest of an image from the repository.
type nearCopy struct {
	*repo.Filler
	r *restoration
}

// Complete says beforehand if there is too little room.
func (n *nearCopy) Complete(ctx context.Context, file io.WriterAt) error {
	if err := needSpace(filepath.Dir(n.r.path), n.r.source.Image().Size); err != nil {
		return err
	}
	return n.Filler.Complete(ctx, file)
}

// Differing reads the target, unless [restoration.saveAgain] has settled under the same
// lock what is in it.
func (n *nearCopy) Differing(ctx context.Context, live io.Reader, file io.WriterAt) ([][2]int64, error) {
	if !n.r.savedIsThere {
		return n.Filler.Differing(ctx, live, file)
	}
	like, err := n.r.repo.Image(ctx, n.r.saved)
	if err != nil {
		return nil, err
	}
	return n.Filler.DifferingFrom(ctx, like, file)
}

// stageNear makes a file beside the target with what that one probably does not have.
func (r *restoration) stageNear(ctx context.Context) (path string, err error) {
	reader, err := r.repo.Image(ctx, r.source)
	if err != nil {
		return "", err
	}
	r.near = &nearCopy{reader.Filler(), r}
	image := r.source.Image()
	path, err = private(filepath.Dir(r.path), stageName(r.path)+"-*", func(f *os.File) error {
		if err := f.Truncate(image.Size); err != nil {
			return err
		}
		return r.near.Head(ctx, int64(image.PageSize), f)
	})
	if err != nil {
		return "", fmt.Errorf("write beside %s: %w", r.path, err)
	}
	if err := r.expect(ctx, path, r.lastOfTarget()); err != nil {
		return "", errors.Join(err, removeFile(path))
	}
	return path, nil
}

// lastOfTarget returns the newest snapshot of what will be replaced, nil for none.
func (r *restoration) lastOfTarget() *snapshot.Snapshot {
	var is snapshot.Filter
	is.Environment, is.Database = r.saveAs()
	for _, s := range filter(r.known.all, is) {
		return s
	}
	return nil
}

// expect fetches, before the target is locked, what a snapshot of it does not have.
func (r *restoration) expect(ctx context.Context, path string, s *snapshot.Snapshot) error {
	if r.near == nil || s == nil {
		return nil
	}
	like, err := r.repo.Image(ctx, s)
	if err != nil { // it is about time only
		r.detail("what the target does not have is found later: %v", err)
		return ctx.Err()
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	b := r.progress("read "+r.source.ID.Short(), r.source.Image().Size) // at most
	defer b.done()
	return r.near.Expect(ctx, like, &countingWriterAt{w: f, progress: b.set})
}

// countingWriterAt tells how many bytes went through it.
type countingWriterAt struct {
	w        io.WriterAt
	n        int64
	progress func(int64)
}

// WriteAt writes to w.
func (c *countingWriterAt) WriteAt(p []byte, off int64) (int, error) {
	n, err := c.w.WriteAt(p, off)
	c.n += int64(n)
	c.progress(c.n)
	return n, err
}
