package repo_test

import (
	"testing"

	"firn/repo"
)

// TestPruneProgress tells of each blob that is copied, up to the last.
func TestPruneProgress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	wastefulPack(t, w)
	var last, all int64
	result := pruneWith(t, open(t, w.st), repo.PruneOptions{OrphanAge: -1, Progress: func(done, total int64) {
		if done <= last || done > total || all != 0 && total != all {
			t.Errorf("%d of %d after %d of %d", done, total, last, all)
		}
		last, all = done, total
	}})
	if result.Copied == 0 || last == 0 || last != all {
		t.Errorf("told of %d of %d bytes, copied %d", last, all, result.Copied)
	}
}
