package upkeep

import (
	"context"
	"time"

	"firn/repo"
	"firn/report"
	"firn/session"
)

// Outlook is what would be removed from a repository now. Nothing is changed.
type Outlook struct {
	Goes     []Decision        // snapshots that retention would remove
	Prune    *repo.PruneResult // what a prune would do; nil if it was not asked for, or took too long
	KeyGone  bool              // the key that has opened the repository is removed there, or damaged
	Warnings []string
}

// Foresee returns the outlook of a repository. The prune may take some time at most; 0 leaves it out.
func Foresee(ctx context.Context, s *session.Session, pruneTime time.Duration) (*Outlook, error) {
	var told report.Collector
	s = s.WithReporter(told.Reporter())
	would, err := Forget(ctx, s, ForgetOptions{DryRun: true})
	if err != nil {
		return nil, err
	}
	o := &Outlook{}
	for _, d := range would.Decisions {
		if !d.Keep {
			o.Goes = append(o.Goes, d)
		}
	}
	if o.KeyGone, err = keyGone(ctx, s); err != nil {
		return nil, err
	}
	if pruneTime > 0 {
		o.Prune = wouldPrune(ctx, s, pruneTime)
	}
	o.Warnings = told.Warnings()
	return o, nil
}

// keyGone reports whether the key is not there any more that has opened the repository.
func keyGone(ctx context.Context, s *session.Session) (bool, error) {
	keys, err := s.Repo.Keys(ctx)
	for _, k := range keys {
		if k.InUse && k.Err == nil {
			return false, nil
		}
	}
	return err == nil, err
}

// wouldPrune returns what a prune would do, nil if that is not found out in time.
func wouldPrune(ctx context.Context, s *session.Session, limit time.Duration) *repo.PruneResult {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	result, err := s.Prune(ctx, session.PruneOptions{DryRun: true})
	if err != nil {
		return nil // a prune itself says why
	}
	return result
}
