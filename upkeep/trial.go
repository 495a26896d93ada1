package upkeep

import (
	"context"
	"time"

	"firn/retention"
	"firn/session"
	"firn/snapshot"
)

// Trial is what rules of retention would do now with the snapshots of one database. Nothing is removed.
type Trial struct {
	Policy    retention.Policy
	Decisions []Decision // the newest first
	Kept      []*snapshot.Snapshot
	Gone      []*snapshot.Snapshot
}

// Try decides by rules about the snapshots of a database.
func Try(rules Rules, own []*snapshot.Snapshot, now time.Time) (*Trial, error) {
	t := &Trial{}
	if len(own) == 0 {
		return t, nil
	}
	var err error
	if t.Policy, err = rules.policyOf(own[0].Environment); err != nil {
		return nil, err
	}
	if t.Decisions, err = Decide(rules, own, now); err != nil {
		return nil, err
	}
	for _, d := range t.Decisions {
		if d.Keep {
			t.Kept = append(t.Kept, d.Snapshot)
		} else {
			t.Gone = append(t.Gone, d.Snapshot)
		}
	}
	return t, nil
}

// Frees returns how many bytes only the snapshots need that would go, of all of this database. A clone may need some of them, too. It
// reads their lists of chunks.
func (t *Trial) Frees(ctx context.Context, s *session.Session) (int64, error) {
	if len(t.Gone) == 0 {
		return 0, nil
	}
	var needed [2]int64
	for i, list := range [][]*snapshot.Snapshot{append(t.Kept[:len(t.Kept):len(t.Kept)], t.Gone...), t.Kept} {
		shares, err := s.Repo.Shares(ctx, list)
		if err != nil {
			return 0, err
		}
		needed[i] = shares.Needed
	}
	return needed[0] - needed[1], nil
}
