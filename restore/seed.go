package restore

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
func (op *Operation) sound() bool { return op.source.Verified.Sound() }

// canSeed reports whether the target can be the seed: only what it does not have need be fetched. A check or a scrubbing
// runs SQLite on the image, and needs all of it.
func (op *Operation) canSeed() bool {
	t := op.target
	return op.far == nil && t.exists && t.broken == nil && t.info.PageSize == op.source.Image().PageSize && op.sound() && op.scrub == nil
}

// seed is the [firn/sqlite.Partial] that takes from the target what an image has in common with it, and the rest of the
// image from the repository.
type seed struct {
	*repo.Assembler
	op *Operation
}

// Complete says beforehand if there is too little room.
func (s *seed) Complete(ctx context.Context, file io.WriterAt) error {
	if err := site.NeedSpace(filepath.Dir(s.op.path), s.op.source.Image().Size); err != nil {
		return err
	}
	return s.Assembler.Complete(ctx, file)
}

// Differing reads the target, unless [Operation.saveAgain] has proved under the same lock that a snapshot holds what is in
// it.
func (s *seed) Differing(ctx context.Context, live io.Reader, file io.WriterAt) ([][2]int64, error) {
	if !s.op.savedIsThere {
		return s.Assembler.Differing(ctx, live, file)
	}
	like, err := s.op.s.Repo.OpenImage(ctx, s.op.saved)
	if err != nil {
		return nil, err
	}
	return s.Assembler.DifferingFrom(ctx, like, file)
}

// stageSeeded makes a file beside the target with the parts of the image that the target probably does not have.
func (op *Operation) stageSeeded(ctx context.Context) (*site.Staged, error) {
	reader, err := op.s.Repo.OpenImage(ctx, op.source)
	if err != nil {
		return nil, err
	}
	op.seed = &seed{reader.Assembler(), op}
	size := op.source.Image()
	image, err := site.Stage(op.site, 0, func(f *os.File) error { // how much it will take is not known yet
		if err := f.Truncate(size.Size); err != nil {
			return err
		}
		return op.seed.Head(ctx, int64(size.PageSize), f)
	})
	if err != nil {
		return nil, err
	}
	if err := op.prefetch(ctx, image, op.lastOfTarget()); err != nil {
		return nil, errors.Join(err, image.Remove())
	}
	return image, nil
}

// lastOfTarget returns the newest snapshot of what will be replaced, nil for none.
func (op *Operation) lastOfTarget() *snapshot.Snapshot {
	var is snapshot.Filter
	is.Environment, is.Database = op.saveAs()
	for _, s := range session.Filter(op.known.All, is) {
		return s
	}
	return nil
}

// prefetch fetches, before the target is locked, the parts of the image that a snapshot of the target does not have.
func (op *Operation) prefetch(ctx context.Context, image *site.Staged, s *snapshot.Snapshot) error {
	if op.seed == nil || s == nil {
		return nil
	}
	like, err := op.s.Repo.OpenImage(ctx, s)
	if err != nil { // it is about time only
		op.s.Detail("what the target does not have is found later: %v", err)
		return ctx.Err()
	}
	f, err := image.Open()
	if err != nil {
		return err
	}
	defer f.Close()
	b := op.s.Progress("read "+op.source.ID.Short(), op.source.Image().Size) // at most
	defer b.Done()
	return op.seed.Prefetch(ctx, like, &report.CountingWriterAt{W: f, Progress: b.Set})
}
