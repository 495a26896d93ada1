package cmd

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"firn/repo"
	"firn/report"
	"firn/session"
	"firn/site"
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
	*repo.Assembler
	r *restoration
}

// Complete says beforehand if there is too little room.
func (n *nearCopy) Complete(ctx context.Context, file io.WriterAt) error {
	if err := site.NeedSpace(filepath.Dir(n.r.path), n.r.source.Image().Size); err != nil {
		return err
	}
	return n.Assembler.Complete(ctx, file)
}

// Differing reads the target, unless [restoration.saveAgain] has settled under the same
// lock what is in it.
func (n *nearCopy) Differing(ctx context.Context, live io.Reader, file io.WriterAt) ([][2]int64, error) {
	if !n.r.savedIsThere {
		return n.Assembler.Differing(ctx, live, file)
	}
	like, err := n.r.Repo.OpenImage(ctx, n.r.saved)
	if err != nil {
		return nil, err
	}
	return n.Assembler.DifferingFrom(ctx, like, file)
}

// stageNear makes a file beside the target with what that one probably does not have.
func (r *restoration) stageNear(ctx context.Context) (*site.Staged, error) {
	reader, err := r.Repo.OpenImage(ctx, r.source)
	if err != nil {
		return nil, err
	}
	r.near = &nearCopy{reader.Assembler(), r}
	size := r.source.Image()
	image, err := site.Stage(r.site, 0, func(f *os.File) error { // nobody knows how much it will take
		if err := f.Truncate(size.Size); err != nil {
			return err
		}
		return r.near.Head(ctx, int64(size.PageSize), f)
	})
	if err != nil {
		return nil, err
	}
	if err := r.expect(ctx, image, r.lastOfTarget()); err != nil {
		return nil, errors.Join(err, image.Remove())
	}
	return image, nil
}

// lastOfTarget returns the newest snapshot of what will be replaced, nil for none.
func (r *restoration) lastOfTarget() *snapshot.Snapshot {
	var is snapshot.Filter
	is.Environment, is.Database = r.saveAs()
	for _, s := range session.Filter(r.known.All, is) {
		return s
	}
	return nil
}

// expect fetches, before the target is locked, what a snapshot of it does not have.
func (r *restoration) expect(ctx context.Context, image *site.Staged, s *snapshot.Snapshot) error {
	if r.near == nil || s == nil {
		return nil
	}
	like, err := r.Repo.OpenImage(ctx, s)
	if err != nil { // it is about time only
		r.detail("what the target does not have is found later: %v", err)
		return ctx.Err()
	}
	f, err := image.Open()
	if err != nil {
		return err
	}
	defer f.Close()
	b := r.progress("read "+r.source.ID.Short(), r.source.Image().Size) // at most
	defer b.Done()
	return r.near.Prefetch(ctx, like, &report.CountingWriterAt{W: f, Progress: b.Set})
}
