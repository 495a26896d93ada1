package session

import (
	"context"

	"firn/repo"
	"firn/snapshot"
)

// NotePruned notes a prune for other hosts if it has published no plan. They know of the others by their plans.
func (s *Session) NotePruned(ctx context.Context, result *repo.PruneResult, dryRun bool) {
	if !dryRun && result.Condemned == 0 {
		s.NoteUpkeep(ctx, snapshot.Upkeep{Pruned: s.Now()})
	}
}

// NoteUpkeep notes for all hosts what was done. An error stops nothing.
func (s *Session) NoteUpkeep(ctx context.Context, done snapshot.Upkeep) {
	if err := s.Repo.NoteUpkeep(ctx, done); err != nil {
		s.Detail("what was done could not be noted in the repository: %v", err)
	}
}
