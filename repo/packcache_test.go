package repo_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"firn/repo"
)

// roomy is a cache that holds everything of a test.
const roomy = 256 << 20

// cachedFiles returns the files of the cache of packs.
func cachedFiles(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	files := make(map[string][]byte)
	entries, err := os.ReadDir(filepath.Join(dir, "packs"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for _, e := range entries {
		path := filepath.Join(dir, "packs", e.Name())
		if files[path], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func sizeOf(files map[string][]byte) (n int64) {
	for _, b := range files {
		n += int64(len(b))
	}
	return n
}

// TestPackCacheBound lets runs write and read far more than the cache may take.
func TestPackCacheBound(t *testing.T) {
	t.Parallel()
	for _, limit := range []int64{1, 40 << 10, 200 << 10} {
		w := newWorld(t)
		dir := t.TempDir()
		image := pages(3, 100)
		for i := range 4 {
			runWith(t, w.st, dir, limit, func(r *repo.Repo) {
				s := take(t, r, "production", image)
				w.images[s.ID] = image
				w.restoreAll(t, r)
				if got := sizeOf(cachedFiles(t, dir)); got > limit {
					t.Errorf("within run %d: got %d bytes in the cache, want %d at most", i, got, limit)
				}
			})
			if got := sizeOf(cachedFiles(t, dir)); got > limit {
				t.Errorf("run %d: got %d bytes in the cache, want %d at most", i, got, limit)
			}
			image = touch(image, uint64(i), 10)
		}
		if got := len(cachedFiles(t, dir)); got == 0 && limit > 1 {
			t.Errorf("with %d bytes of room, nothing is kept", limit)
		}
		w.verify(t)
	}
}

// TestPackCacheKeepsWhatIsUsed fills a cache in which one pack is used by every run.
func TestPackCacheKeepsWhatIsUsed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	used := w.take(t, "production", pages(8, 50))
	hour := 0
	act := func(act func(*repo.Repo)) {
		opts := options(w.st)
		opts.CacheDir, opts.CacheSize = dir, 600<<10
		opts.Now = func() time.Time { return time.Now().Add(time.Duration(hour) * time.Hour) }
		r, err := repo.Open(t.Context(), opts)
		if err != nil {
			t.Fatal(err)
		}
		act(r)
		r.Close()
		hour++
	}
	file := filepath.Join(dir, "packs", used.Packs[0])
	for i := range 10 {
		act(func(r *repo.Repo) { restore(t, r, used) })
		act(func(r *repo.Repo) { take(t, r, "demo", pages(uint64(i)+30, 50)) })
		if _, err := os.Stat(file); err != nil {
			t.Fatalf("after %d runs the pack that is always used is gone: %v", i, err)
		}
	}
	if got := len(cachedFiles(t, dir)); got > 8 {
		t.Errorf("got %d packs in the cache, want those gone that are not used", got)
	}
}

// TestPackCacheOfLostWriter finds the files that a killed process has left.
func TestPackCacheOfLostWriter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	runWith(t, w.st, dir, roomy, func(r *repo.Repo) { take(t, r, "production", small) })
	lost, fresh := filepath.Join(dir, "packs", "tmp-1"), filepath.Join(dir, "packs", "tmp-2")
	for _, path := range []string{lost, fresh} {
		if err := os.WriteFile(path, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	old := time.Now().Add(-3 * time.Hour)
	if err := os.Chtimes(lost, old, old); err != nil {
		t.Fatal(err)
	}
	runWith(t, w.st, dir, roomy, func(r *repo.Repo) { take(t, r, "production", changed) })
	files := cachedFiles(t, dir)
	if files[lost] != nil || files[fresh] == nil {
		t.Errorf("lost file left: %t, fresh file left: %t, want only the fresh one", files[lost] != nil, files[fresh] != nil)
	}
}

// TestPackCacheIsPrivate checks the modes of the cache's files.
func TestPackCacheIsPrivate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := filepath.Join(t.TempDir(), "new")
	runWith(t, w.st, dir, roomy, func(r *repo.Repo) { take(t, r, "production", small) })
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if info, problem := e.Info(); problem == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestPackCacheShared lets two processes use one cache at once, with hardly enough
// room for both.
func TestPackCacheShared(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	const runs = 4
	var both sync.WaitGroup
	var mu sync.Mutex
	for _, env := range []string{"production", "staging"} {
		image := pages(uint64(len(env)), 100)
		both.Go(func() {
			for i := range runs {
				opts := options(w.st)
				opts.CacheDir, opts.CacheSize = dir, 300<<10
				r, err := repo.Open(context.Background(), opts)
				if err != nil {
					t.Error(err)
					return
				}
				result, err := r.Backup(context.Background(), sourceOf(image), repo.BackupOptions{Environment: env, Database: "app"})
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := copyOf(r, result.Snapshot); err != nil || !bytes.Equal(got, image) {
					t.Errorf("%s, run %d: got %d bytes, %v, want the image", env, i, len(got), err)
				}
				r.Close()
				mu.Lock()
				w.images[result.Snapshot.ID] = image
				mu.Unlock()
				image = touch(image, uint64(i), 10)
			}
		})
	}
	both.Wait()
	runWith(t, w.st, dir, 300<<10, func(r *repo.Repo) { w.restoreAll(t, r) })
	w.verify(t)
}

// TestSweptPacksLeaveThePackCache sweeps packs with and without the cache.
func TestSweptPacksLeaveThePackCache(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	runWith(t, w.st, dir, roomy, func(r *repo.Repo) {
		for i, env := range []string{"demo", "staging", "production"} {
			b := pages(uint64(i)+40, 30)
			s := take(t, r, env, b)
			w.images[s.ID] = b
		}
	})
	for id := range w.images {
		if len(w.images) > 1 {
			w.forget(t, id)
		}
	}
	for range 3 {
		pruneAll(t, w.st)
	}
	runWith(t, w.st, dir, roomy, func(r *repo.Repo) { pruneWith(t, r, repo.PruneOptions{}) })
	if got, want := len(cachedFiles(t, dir)), countOf(t, w.st, "packs/"); got != want {
		t.Errorf("got %d packs in the cache, %d in the store", got, want)
	}
	w.verify(t)
}
