package repo_test

import (
	"slices"
	"strings"
	"testing"

	"firn/repo"
	"firn/snapshot"
	"firn/store/storetest"
)

// packsRead runs act with a warm cache and returns the packs that it read, once for
// each request.
func packsRead(t *testing.T, w *world, dir string, act func(*repo.Repo)) []string {
	t.Helper()
	counted := storetest.NewFaulty(w.st, storetest.Fault{})
	run(t, counted, dir, act)
	var packs []string
	for _, call := range counted.Log() {
		if name, ok := strings.CutPrefix(call, "get packs/"); ok {
			packs = append(packs, name[strings.LastIndexByte(name, '/')+1:])
		}
	}
	return packs
}

// TestPruneReadsOnlyWhatItMust prunes with a warm cache: of the packs, the nodes of
// snapshots that stay are read, with one request for each pack, and nothing of packs
// without needed blobs.
func TestPruneReadsOnlyWhatItMust(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	var all []*snapshot.Snapshot
	run(t, w.st, dir, func(r *repo.Repo) {
		for i := range 24 {
			b := pages(uint64(i), 20)
			s := take(t, r, "production", b)
			w.images[s.ID] = b
			all = append(all, s)
		}
	})
	prune := func(r *repo.Repo) { pruneWith(t, r, repo.PruneOptions{OrphanAge: -1}) }
	var kept []string
	for _, s := range all {
		kept = append(kept, s.Packs...)
	}
	reads := func(when string) {
		t.Helper()
		got := packsRead(t, w, dir, prune)
		slices.Sort(got)
		slices.Sort(kept)
		if !slices.Equal(got, kept) {
			t.Errorf("%s: packs were read with %d requests, want one for each of the %d that are needed\ngot  %v\nwant %v", when, len(got), len(kept), got, kept)
		}
	}
	reads("nothing to do")
	kept = nil
	for i, s := range all {
		if i%6 > 0 {
			w.forget(t, s.ID)
		} else {
			kept = append(kept, s.Packs...)
		}
	}
	reads("condemning")
	reads("deleting")
	w.verify(t)
}
