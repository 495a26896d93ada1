package repo_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"firn/internal/s3test"
	"firn/repo"
	"firn/retention"
	"firn/snapshot"
	"firn/store"
	"firn/store/mem"
	"firn/store/s3"
)

// openBucket opens a place in a server's bucket, or of a proxy in front of it.
func openBucket(t testing.TB, server *s3test.Server, location string, patience time.Duration) *s3.Store {
	t.Helper()
	l, err := s3.ParseLocation(location, "")
	if err != nil {
		t.Fatal(err)
	}
	st, err := s3.Open(t.Context(), s3.Options{
		Location: l, Region: server.Region, AccessKey: server.AccessKey, SecretKey: server.SecretKey, Patience: patience,
	})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// prefixOf names a place of the test's own.
func prefixOf(t testing.TB) string { return strings.ToLower(strings.ReplaceAll(t.Name(), " ", "-")) }

// TestFaultyBucket runs a repository's life by way of a proxy that breaks every
// n-th request, or any: all goes well, and all can be restored.
func TestFaultyBucket(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t, s3test.Options{})
	seeds := []uint64{1, 2}
	every := []int{3, 7}
	if testing.Short() {
		seeds, every = seeds[:1], every[:1]
	}
	for _, n := range every {
		t.Run(fmt.Sprintf("Every%d", n), func(t *testing.T) {
			t.Parallel()
			dice := rand.New(rand.NewPCG(uint64(n), 0))
			live(t, server, func(i int, _ *http.Request) s3test.Fault {
				if i%n > 0 {
					return s3test.Pass
				}
				return passing(dice)
			})
		})
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprintf("Seed%d", seed), func(t *testing.T) {
			t.Parallel()
			dice := rand.New(rand.NewPCG(seed, 1))
			live(t, server, func(int, *http.Request) s3test.Fault {
				if dice.IntN(4) > 0 {
					return s3test.Pass
				}
				return passing(dice)
			})
		})
	}
}

// passing throws a fault after which the same request can go well.
func passing(dice *rand.Rand) s3test.Fault {
	faults := []s3test.Fault{
		s3test.ResetBefore, s3test.ResetAfter, s3test.Truncate, s3test.Unavailable,
		s3test.NotImplemented, s3test.StripCondition, s3test.Slow,
	}
	return faults[dice.IntN(len(faults))]
}

// live makes a repository, does to it all that is done to one, and checks the objects that are left.
func live(t *testing.T, server *s3test.Server, fault func(int, *http.Request) s3test.Fault) {
	t.Helper()
	proxy := s3test.StartProxy(t, server)
	proxy.Break(fault)
	liveIn(t, openBucket(t, server, proxy.Location(prefixOf(t)), 0), openBucket(t, server, server.Location(prefixOf(t)), 0))
}

// liveIn is live for a store that has faults, and the same one without them.
func liveIn(t *testing.T, st, direct store.Store) {
	t.Helper()
	opts := options(st)
	opts.CacheDir, opts.TrustCache = t.TempDir(), true
	w := &world{images: make(map[snapshot.ID][]byte)}
	if _, err := repo.Init(t.Context(), opts, repo.NewKey{Credential: testKey}); err != nil {
		t.Fatal(err)
	}
	act := func(what string, f func(ctx context.Context, w *world, r *repo.Repo) error) {
		r, err := repo.Open(t.Context(), opts)
		if err == nil {
			err = f(t.Context(), w, r)
			r.Close()
		}
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	act("first backup", backupOf(small, repo.BackupOptions{}))
	act("unchanged backup", backupOf(small, repo.BackupOptions{}))
	act("changed backup", backupOf(changed, repo.BackupOptions{Keep: &retention.Policy{Last: 2}}))
	act("large backup", backupOf(pages(5, 400), repo.BackupOptions{}))
	act("forget", forgetOldest)
	act("small backup", backupOf(next, repo.BackupOptions{Keep: &retention.Policy{Last: 2}}))
	act("condemn", pruneNow)
	act("sweep", pruneNow)
	act("restore", func(_ context.Context, w *world, r *repo.Repo) error {
		checkWith(t, r)
		w.restoreAll(t, r)
		return nil
	})
	soundWithout(t, w, direct)
}

// soundWithout looks at a repository, faults and cache left out.
func soundWithout(t *testing.T, w *world, st store.Store) {
	t.Helper()
	r := open(t, st)
	checkWith(t, r)
	w.restoreAll(t, r)
}

// TestUnreachableBucket loses the bucket in the middle of a backup or a prune, at
// each request: the error says so, nothing is lost, and the next run goes well.
func TestUnreachableBucket(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t, s3test.Options{})
	for _, op := range []operation{
		{"backup", twoSnapshots, backupOf(next, repo.BackupOptions{Keep: &retention.Policy{Last: 1}})},
		{"sweep", condemnedPack, pruneNow},
		{"repack", wastefulPack, pruneNow},
	} {
		prepared := newWorld(t)
		op.prepare(t, prepared)
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			faults := []s3test.Fault{s3test.ResetAfter, s3test.Unavailable}
			for n := 1; op.lose(t, server, prepared, n, faults[n%len(faults)]); n += stride() {
			}
		})
	}
}

// lose runs the operation with a bucket that breaks every request from the n-th
// on, and reports whether there was one.
func (op operation) lose(t *testing.T, server *s3test.Server, prepared *world, n int, fault s3test.Fault) (hit bool) {
	t.Helper()
	place := fmt.Sprintf("%s/%d", prefixOf(t), n)
	layOut(t, prepared.st, filepath.Join(server.Dir, server.Bucket, place))
	w := &world{images: maps.Clone(prepared.images)}
	proxy := s3test.StartProxy(t, server)
	proxy.Break(func(i int, _ *http.Request) s3test.Fault {
		if i < n {
			return s3test.Pass
		}
		return fault
	})
	err := op.start(t.Context(), w, openBucket(t, server, proxy.Location(place), 20*time.Millisecond))
	hit = len(proxy.Requests()) >= n
	if hit != errors.Is(err, store.ErrUnreachable) || !hit && err != nil {
		t.Errorf("broken from request %d of %d on: got %v", n, len(proxy.Requests()), err)
	}
	st := openBucket(t, server, server.Location(place), 0)
	soundWithout(t, w, st)
	w.images[take(t, open(t, st), "production", tiny).ID] = tiny
	for range 2 {
		pruneWith(t, open(t, st), repo.PruneOptions{OrphanAge: -1})
	}
	soundWithout(t, w, st)
	return hit
}

// layOut copies objects to where the server keeps them, with their times.
func layOut(t *testing.T, st *mem.Store, dir string) {
	t.Helper()
	for _, o := range objectsOf(t, st, "") {
		file := filepath.Join(dir, filepath.FromSlash(o.Name))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, read(t, st, o.Name), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, o.Time, o.Time); err != nil {
			t.Fatal(err)
		}
	}
}
