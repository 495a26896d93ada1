package session

import (
	"context"
	"time"

	"firn/outcome"
	"firn/repo"
)

// PruneOptions say how space is freed. The zero value is the default.
type PruneOptions struct {
	DryRun    bool          // change nothing
	OrphanAge time.Duration // for how long packs stay that may belong to a running backup; 0 for the usual time
}

// Prune frees the space of forgotten snapshots. An interrupted prune has removed nothing that is needed.
func (s *Session) Prune(ctx context.Context, o PruneOptions) (*repo.PruneResult, error) {
	result, err := s.prune(ctx, repo.PruneOptions{DryRun: o.DryRun, OrphanAge: o.OrphanAge})
	if ctx.Err() != nil {
		return nil, outcome.New(&interruption{ctx.Err()}, outcome.CodeInterrupted, "")
	}
	return result, err
}

// interruption is the error of a prune whose context has ended.
type interruption struct{ cause error }

// Error says what a person should know.
func (*interruption) Error() string {
	return "interrupted: nothing that is needed was removed, the next prune goes on"
}

// Unwrap returns the error of the context.
func (i *interruption) Unwrap() error { return i.cause }

// PruneIfDue frees space within another command, unless that was done lately: then the result is nil. The time between two prunes
// is some hours, or the given one if it is not 0.
func (s *Session) PruneIfDue(ctx context.Context, every time.Duration, dryRun bool) (*repo.PruneResult, error) {
	result, err := s.prune(ctx, repo.PruneOptions{IfDue: true, Every: every, DryRun: dryRun})
	if err != nil || result.Skipped {
		return nil, err
	}
	return result, nil
}

// prune frees space once and says what a person should know of it.
func (s *Session) prune(ctx context.Context, o repo.PruneOptions) (*repo.PruneResult, error) {
	m := s.Progress("prune", 0)
	o.Progress = m.SetTotal
	result, err := s.Repo.Prune(ctx, o)
	m.Done()
	if err != nil || result.Skipped {
		return result, err
	}
	s.NotePruned(ctx, result, o.DryRun)
	s.warnPruned(result)
	return result, nil
}

// PruneFull frees space within another command whose store has no more of it. It returns the results of the prunes that
// were done, also with an error. Earlier prunes have condemned packs that the first one deletes at once; packs that it
// condemns itself are deleted by one more.
func (s *Session) PruneFull(ctx context.Context, dryRun bool) (results []*repo.PruneResult, err error) {
	for {
		result, err := s.Repo.Prune(ctx, repo.PruneOptions{DryRun: dryRun})
		if err != nil {
			return results, err
		}
		s.warnPruned(result)
		if results = append(results, result); result.Condemned == 0 || dryRun {
			return results, nil
		}
	}
}

// warnPruned tells of what a prune could not do.
func (s *Session) warnPruned(r *repo.PruneResult) {
	s.WarnUnacknowledged(r.Unacknowledged)
	if r.NoRoom != nil {
		s.Warn("there is no room to copy what is needed out of packs that are mostly garbage: the next prune goes on (%v)", r.NoRoom)
	}
}
