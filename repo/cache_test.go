package repo_test

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"firn/repo"
	"firn/snapshot"
	"firn/store"
	"firn/store/storetest"
)

// cached opens a repository with a cache, and trusts it.
func cached(t testing.TB, st store.Store, dir string) *repo.Repo {
	t.Helper()
	return cachedWith(t, st, dir, 0)
}

// cachedWith is cached with a cache of packs of some size.
func cachedWith(t testing.TB, st store.Store, dir string, size int64) *repo.Repo {
	t.Helper()
	opts := options(st)
	opts.CacheDir, opts.TrustCache, opts.CacheSize = dir, true, size
	start := time.Now().Truncate(time.Hour) // so that no entry differs by its time alone
	opts.Now = func() time.Time { return start }
	r, err := repo.Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// run opens a repository with a cache as a process does, and ends.
func run(t testing.TB, st store.Store, dir string, act func(*repo.Repo)) {
	t.Helper()
	runWith(t, st, dir, 0, act)
}

// runWith is run with a cache of packs of some size.
func runWith(t testing.TB, st store.Store, dir string, size int64, act func(*repo.Repo)) {
	t.Helper()
	r := cachedWith(t, st, dir, size)
	act(r)
	r.Close()
}

// TestCacheForgetsSweptPacks lets the packs of a forgotten image be swept by
// another host, and then backs the image up again.
func TestCacheForgetsSweptPacks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	b, other := pages(8, 40), pages(9, 40)
	run(t, w.st, dir, func(r *repo.Repo) { take(t, r, "demo", other) })
	for range 2 { // the last plan must no longer name the packs
		s := w.take(t, "demo", b)
		run(t, w.st, dir, func(r *repo.Repo) { take(t, r, "staging", other) })
		w.forget(t, s.ID)
		for range 3 {
			pruneAll(t, w.st)
		}
	}
	w.forget(t, w.take(t, "demo", pages(7, 40)).ID)
	for range 3 {
		pruneAll(t, w.st)
	}
	run(t, w.st, dir, func(r *repo.Repo) { take(t, r, "staging", other) })
	run(t, w.st, dir, func(r *repo.Repo) {
		s := take(t, r, "production", b)
		w.images[s.ID] = b
	})
	w.verify(t)
}

// TestCacheOfTwoProcesses lets a process that fetched a pack's tail long ago
// write it to the cache when another one has seen that the pack is gone.
func TestCacheOfTwoProcesses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	b, other := pages(8, 40), pages(9, 40)
	run(t, w.st, dir, func(r *repo.Repo) { take(t, r, "demo", other) })
	s := w.take(t, "demo", b)
	slow := cached(t, w.st, dir)
	if _, err := copyOf(slow, s); err != nil {
		t.Fatal(err)
	}
	w.forget(t, s.ID)
	for range 2 {
		pruneAll(t, w.st)
	}
	w.forget(t, w.take(t, "demo", pages(7, 40)).ID)
	for range 2 {
		pruneAll(t, w.st)
	}
	run(t, w.st, dir, func(r *repo.Repo) { take(t, r, "staging", other) })
	slow.Close()
	run(t, w.st, dir, func(r *repo.Repo) {
		s := take(t, r, "production", b)
		w.images[s.ID] = b
	})
	w.verify(t)
}

// TestCacheOfOverlappingProcesses lets a process that took long see the plan
// by which a pack is gone, of which it never knew: another process of the same
// host stored that pack meanwhile. The pack must not stand under that plan.
func TestCacheOfOverlappingProcesses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	b, other := pages(8, 40), pages(9, 40)
	run(t, w.st, dir, func(r *repo.Repo) { take(t, r, "demo", other) })
	meanwhile := sync.OnceFunc(func() {
		var s *snapshot.Snapshot
		run(t, w.st, dir, func(r *repo.Repo) { s = take(t, r, "staging", b) })
		for range 2 { // the last plan must no longer name the pack
			w.forget(t, s.ID)
			pruneAll(t, w.st)
			pruneAll(t, w.st)
			s = w.take(t, "demo", pages(7, 40))
		}
	})
	slow := cached(t, storetest.NewHooked(w.st, func(op, name string) {
		if op == "list" && name == "meta/gc-" { // about to confirm
			meanwhile()
		}
	}), dir)
	w.images[take(t, slow, "production", small).ID] = small
	slow.Close()
	run(t, w.st, dir, func(r *repo.Repo) { w.images[take(t, r, "production", b).ID] = b })
	w.verify(t)
}

// TestCacheDamaged flips each byte of the cache, and cuts it at each length: it
// may cost time, but nothing else.
func TestCacheDamaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	run(t, w.st, dir, func(r *repo.Repo) {
		s := take(t, r, "production", small)
		w.images[s.ID] = small
	})
	file := filepath.Join(dir, "objects")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(whole); i += 23 {
		for _, damaged := range [][]byte{flipped(whole, i), whole[:i]} {
			if err := os.WriteFile(file, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			run(t, w.st, dir, func(r *repo.Repo) { w.restoreAll(t, r) })
			if t.Failed() {
				t.Fatalf("with byte %d of %d of the cache flipped, or all from it cut off", i, len(whole))
			}
		}
	}
}

func flipped(b []byte, i int) []byte {
	b = bytes.Clone(b)
	b[i] ^= 0x20
	return b
}
