package repo_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"firn/pack"
	"firn/repo"
	"firn/snapshot"
	"firn/store/mem"
)

// hostOf opens the repository as another host does, with a cache of its own and a clock that is ahead by some time.
func hostOf(t testing.TB, st *mem.Store, name, dir string, ahead time.Duration) *repo.Repo {
	t.Helper()
	opts := options(st)
	opts.Host, opts.CacheDir, opts.StateDir = name, filepath.Join(dir, "cache"), dir
	opts.Now = func() time.Time { return time.Now().Add(ahead) }
	return openAs(t, opts)
}

// TestForeignTombstone has a host forget snapshots in rounds that may put and not delete, and another host prune. It takes a
// week until the room is free, and until then the snapshots are back once the tombstone is deleted.
func TestForeignTombstone(t *testing.T) {
	t.Parallel()
	base := newWorld(t)
	folders := map[string]string{"a": t.TempDir(), "b": t.TempDir()}
	w := watch(t, base, base.st)
	var taken []*snapshot.Snapshot
	for i := range uint64(3) {
		w.change("app", i)
		w.change("demo", i)
		taken = append(taken, w.take("app", "demo")...)
	}
	w.confirm()
	prune := func(host string, ahead time.Duration) *repo.PruneResult {
		t.Helper()
		r := hostOf(t, base.st, host, folders[host], ahead)
		defer r.Close()
		return pruneWith(t, r, repo.PruneOptions{})
	}
	a := hostOf(t, base.st, "a", folders["a"], 0)
	if err := a.Forget(t.Context(), taken[0].ID, taken[1].ID, taken[2].ID); err != nil { // the first round, and a part of the second
		t.Fatal(err)
	}
	a.Close()

	for range 3 {
		if got := prune("b", 6*24*time.Hour); got.Condemned+got.Deleted > 0 || len(got.ForgottenBy) != 1 || got.ForgottenBy[0] != "a" {
			t.Fatalf("b frees at once what a has forgotten: %+v", got)
		}
	}
	undone := base.clone(t)
	for _, o := range objectsOf(t, undone.st, "meta/gone-") {
		if err := undone.st.Delete(context.Background(), o.Name); err != nil {
			t.Fatal(err)
		}
	}
	undone.verify(t) // with all snapshots
	for _, s := range taken[:3] {
		delete(base.images, s.ID)
	}

	later := base.clone(t)
	for range 3 { // what it has forgotten itself a host frees at once, and others go on beside it
		prune("a", 0)
		prune("b", time.Hour)
	}
	if got := countOf(t, base.st, pack.RoundPrefix); got != 2 {
		t.Errorf("%d rounds are left, want 2", got)
	}
	base.verify(t)

	base = later
	for range 3 {
		prune("b", 8*24*time.Hour)
	}
	if got := countOf(t, base.st, pack.RoundPrefix); got != 2 {
		t.Errorf("after a week %d rounds are left, want 2", got)
	}
	base.verify(t)
}
