package replicate

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"firn/repo"
	"firn/report"
	"firn/retention"
	"firn/session"
	"firn/snapshot"
	"firn/store"
)

// run is one run of [Copy]. Its session is that of the source.
type run struct {
	*session.Session
	to      *session.Session
	options Options

	sources []*snapshot.Snapshot
	chosen  []*snapshot.Snapshot
	rules   map[string]retention.Policy
	copier  *repo.Copier
	todo    *repo.CopyPlan // nil until it is known what there is to do

	problems []error // that stop nothing
	result   Result
}

// prepare finds out what there is to do.
func (r *run) prepare(ctx context.Context) error {
	targets, err := r.list(ctx, r.to)
	if err != nil {
		return err
	}
	if r.copier, err = repo.NewCopier(r.Repo, r.sources, r.to.Repo, targets); err != nil {
		return fmt.Errorf("copy from %s to %s: %w", r.Place, r.to.Place, err)
	}
	r.todo = r.copier.Plan(r.chosen, r.rules, r.Now())
	if len(r.rules) > 0 {
		_, ahead := snapshot.SplitAhead(slices.Concat(r.chosen, targets), r.Now())
		r.WarnAhead(ahead)
	}
	return nil
}

// copyAll copies what is missing, and then thins the target, if that was asked for.
func (r *run) copyAll(ctx context.Context) error {
	if err := r.prepare(ctx); err != nil {
		return err
	}
	r.problems = append(r.problems, r.todo.Conflicts...)
	for i, s := range r.todo.Copy {
		err := r.copyOne(ctx, s, i+1)
		switch {
		case errors.Is(err, snapshot.ErrNotFound): // by a retention that went on meanwhile
			r.Detail("%v", err)
			r.drop(s)
		case errors.Is(err, repo.ErrUnreadable):
			r.result.Failed++
			r.problems = append(r.problems, err)
		case r.options.Prune && errors.Is(err, store.ErrNoSpace):
			var full error
			r.result.Pruned, full = r.to.PruneFull(ctx, false)
			return errors.Join(err, full)
		case err != nil:
			return err
		}
	}
	if err := r.copier.CarryNotes(ctx, r.chosen); err != nil {
		return err
	}
	if r.result.Failed == 0 && len(r.result.Copied) > 0 { // a second run changes nothing
		r.NoteUpkeep(ctx, snapshot.Upkeep{Copied: r.Now()})
	}
	if r.options.Prune && r.result.Failed == 0 {
		return r.prune(ctx)
	}
	return nil
}

// drop leaves out a snapshot that is gone, so that no rule counts on it.
func (r *run) drop(gone *snapshot.Snapshot) {
	same := func(s *snapshot.Snapshot) bool { return s == gone }
	r.sources, r.chosen = slices.DeleteFunc(r.sources, same), slices.DeleteFunc(r.chosen, same)
}

// copyOne copies a snapshot.
func (r *run) copyOne(ctx context.Context, s *snapshot.Snapshot, number int) error {
	m := r.Progress(fmt.Sprintf("%s (%d of %d)", s.ID.Short(), number, len(r.todo.Copy)), s.Image().Size)
	result, err := r.copier.Copy(ctx, s, m.Set)
	m.Done()
	if result == nil {
		return err
	}
	r.Detail("copied snapshot %s of %s as %s: read %s of %s, added %s", s.ID.Short(), s.Environment,
		result.Snapshot.ID.Short(), report.Size(result.Scanned), report.Size(s.Image().Size), report.Size(result.Snapshot.Added))
	r.result.Copied = append(r.result.Copied, result.Snapshot)
	r.result.Read += result.Scanned
	r.result.Added += result.Snapshot.Added
	return err
}

// prune thins the target, and frees space there if that is due. It lists the target again, since a snapshot that was
// pinned or verified meanwhile must stay.
func (r *run) prune(ctx context.Context) error {
	done, known := r.todo, r.problems
	if err := r.prepare(ctx); err != nil {
		return err
	}
	expired := r.todo.Expired
	r.todo, r.problems = done, known
	var ids []snapshot.ID
	for _, s := range expired {
		ids = append(ids, s.ID)
	}
	err := r.to.Repo.Forget(ctx, ids...)
	if err == nil {
		r.result.Forgotten = expired
		err = r.freeSpace(ctx)
	}
	if err != nil {
		return fmt.Errorf("the snapshots are copied, but space could not be freed: %w", err)
	}
	return nil
}

// freeSpace frees space in the target, unless that was done some hours ago.
func (r *run) freeSpace(ctx context.Context) error {
	pruned, err := r.to.PruneIfDue(ctx, 0, false)
	if pruned != nil {
		r.result.Pruned = append(r.result.Pruned, pruned)
	}
	return err
}
