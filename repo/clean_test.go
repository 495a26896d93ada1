package repo_test

import (
	"context"
	"testing"
	"time"

	"firn/repo"
	"firn/store/mem"
)

// littered is a store that takes note of which temporary files were to be removed.
type littered struct {
	*mem.Store
	olderThan time.Time
}

func (s *littered) Clean(_ context.Context, olderThan time.Time) (int, error) {
	s.olderThan = olderThan
	return 0, nil
}

// TestCleanByClocks prunes with clocks that are ahead: no file of a writer that is alive may go.
func TestCleanByClocks(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, tt := range map[string]struct{ ours, store time.Duration }{
		"Right":      {0, 0},
		"OursAhead":  {365 * 24 * time.Hour, 0},
		"StoreAhead": {0, 365 * 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.st.Now = func() time.Time { return now.Add(tt.store) }
			w.take(t, "production", small)
			st := &littered{Store: w.st}
			opts := options(st)
			opts.Now = func() time.Time { return now.Add(tt.ours) }
			r, err := repo.Open(t.Context(), opts)
			if err != nil {
				t.Fatal(err)
			}
			pruneWith(t, r, repo.PruneOptions{})
			if st.olderThan.IsZero() || now.Sub(st.olderThan) < 23*time.Hour {
				t.Errorf("got files older than %v removed, want only those of a day", now.Sub(st.olderThan))
			}
		})
	}
}
