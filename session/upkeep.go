package session

import (
	"context"

	"firn/repo"
	"firn/snapshot"
)

// NotePruned has other hosts know of a prune that has left no plan, by which they know of
// others.
func (s *Session) NotePruned(ctx context.Context, result *repo.PruneResult, dryRun bool) {
	if !dryRun && result.Condemned == 0 {
		s.NoteUpkeep(ctx, snapshot.Upkeep{Pruned: s.Now()})
	}
}

// NoteUpkeep has all hosts know what was done. Nothing depends on that.
func (s *Session) NoteUpkeep(ctx context.Context, done snapshot.Upkeep) {
	if err := s.Repo.NoteUpkeep(ctx, done); err != nil {
		s.Detail("what was done could not be noted in the repository: %v", err)
	}
}
