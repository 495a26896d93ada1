package repo_test

import (
	"bytes"
	"context"
	"io/fs"
	"math/rand/v2"
	"os"
	"testing"

	"firn/crypt"
	"firn/repo"
	"firn/snapshot"
	"firn/store"
)

// TestPackCacheDamaged damages each file of the cache in several ways: it may cost
// time, but nothing else.
func TestPackCacheDamaged(t *testing.T) {
	t.Parallel()
	prepared := newWorld(t)
	taken(t, prepared, pages(3, 100), 3)
	dir := t.TempDir()
	runWith(t, prepared.st, dir, roomy, func(r *repo.Repo) { prepared.restoreAll(t, r) })
	clean := cachedFiles(t, dir)
	if len(clean) < 3 {
		t.Fatalf("got %d files in the cache, want one of each pack", len(clean))
	}
	for name, damage := range map[string]func([]byte) []byte{
		"Flipped":  func(b []byte) []byte { return flipped(b, rand.IntN(len(b))) },
		"Reversed": func(b []byte) []byte { return bytes.Repeat([]byte{b[0] ^ 1}, len(b)) },
		"Cut":      func(b []byte) []byte { return b[:rand.IntN(len(b))] },
		"Longer":   func(b []byte) []byte { return append(bytes.Clone(b), 0) },
		"Empty":    func([]byte) []byte { return nil },
		"Deleted":  nil,
	} {
		t.Run(name, func(t *testing.T) {
			w := prepared.clone(t)
			for path, b := range clean {
				if damage == nil {
					if err := os.Remove(path); err != nil {
						t.Fatal(err)
					}
				} else if err := os.WriteFile(path, damage(b), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			runWith(t, w.st, dir, roomy, func(r *repo.Repo) {
				w.restoreAll(t, r)
				image := touch(pages(3, 100), 5, 5)
				s := take(t, r, "production", image)
				w.images[s.ID] = image
			})
			runWith(t, w.st, dir, roomy, func(r *repo.Repo) { w.restoreAll(t, r) })
			w.verify(t)
			for path, b := range clean {
				if err := os.WriteFile(path, b, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// TestCheckReadsPastThePackCache damages each pack behind a cache that has it whole.
func TestCheckReadsPastThePackCache(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	for i, b := range [][]byte{small, changed, next} {
		runWith(t, w.st, dir, roomy, func(r *repo.Repo) {
			s := take(t, r, "production", b)
			w.images[s.ID] = b
			if got := len(cachedFiles(t, dir)); got != i+1 {
				t.Fatalf("got %d packs in the cache, want %d", got, i+1)
			}
		})
	}
	for _, o := range objectsOf(t, w.st, "packs/") {
		b := read(t, w.st, o.Name)
		for i := 20; i < len(b); i += len(b)/6 + 1 {
			damaged := altered{Store: w.st, name: o.Name, data: flipped(b, i)}
			runWith(t, damaged, dir, roomy, func(r *repo.Repo) {
				for _, s := range snapshotsOf(t, r) { // which leaves plaintexts in memory
					_, _ = copyOf(r, s) // an earlier check has dropped a footer that is damaged now
				}
				result, err := r.Check(t.Context(), repo.CheckOptions{ReadData: true})
				if err != nil || len(result.Findings) == 0 {
					t.Errorf("%s damaged at %d behind the cache: got %v, want it reported", o.Name, i, err)
				}
			})
		}
		runWith(t, missing{w.st, o.Name}, dir, roomy, func(r *repo.Repo) {
			if result, err := r.Check(t.Context(), repo.CheckOptions{}); err != nil || len(result.Findings) == 0 {
				t.Errorf("%s gone behind the cache: got %v, want it reported", o.Name, err)
			}
		})
	}
	w.verify(t)
}

// TestCheckReadsNodesPastThePackCache damages all blobs of a pack behind a cache
// that has it whole. A quick check reads nodes only.
func TestCheckReadsNodesPastThePackCache(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	runWith(t, w.st, dir, roomy, func(r *repo.Repo) { w.images[take(t, r, "production", small).ID] = small })
	o := objectsOf(t, w.st, "packs/")[0]
	b := read(t, w.st, o.Name)
	runWith(t, w.st, dir, roomy, func(r *repo.Repo) {
		s := snapshotsOf(t, r)[0]
		end := len(b) - 46*(s.Chunks+1) - crypt.Overhead - crypt.TrailerLen // docs/format.md, section 4
		for i := crypt.HeaderLen; i < end; i++ {
			b[i] ^= 1
		}
	})
	runWith(t, altered{Store: w.st, name: o.Name, data: b}, dir, roomy, func(r *repo.Repo) {
		w.restoreAll(t, r)
		if result, err := r.Check(t.Context(), repo.CheckOptions{}); err != nil || len(result.Findings) != 1 || len(result.Findings[0].Snapshots) != 1 {
			t.Errorf("got %+v, %v, want the snapshot to be found damaged", result, err)
		}
	})
	w.verify(t)
}

func snapshotsOf(t testing.TB, r *repo.Repo) []*snapshot.Snapshot {
	t.Helper()
	list, err := r.Snapshots(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// missing is a store that lists an object and cannot find it.
type missing struct {
	store.Store
	name string
}

func (m missing) Get(ctx context.Context, name string, off, length int64) ([]byte, error) {
	if name == m.name {
		return nil, fs.ErrNotExist
	}
	return m.Store.Get(ctx, name, off, length)
}

// TestPackCacheRescues lets a prune rewrite a pack that is damaged in the store,
// and that the cache has.
func TestPackCacheRescues(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	wastefulPack(t, w)
	runWith(t, w.st, dir, roomy, func(r *repo.Repo) { w.restoreAll(t, r) })
	for _, o := range objectsOf(t, w.st, "packs/") {
		b := read(t, w.st, o.Name)
		for i := 16; i < 200; i++ {
			b[i] ^= 1
		}
		replace(t, w.st, o.Name, b)
	}
	runWith(t, w.st, dir, roomy, func(r *repo.Repo) {
		if got := pruneWith(t, r, repo.PruneOptions{OrphanAge: -1}); got.Copied == 0 {
			t.Errorf("got %+v, want blobs copied", got)
		}
		w.restoreAll(t, r)
	})
}
