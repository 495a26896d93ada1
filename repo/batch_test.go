package repo_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"firn/repo"
	"firn/snapshot"
	"firn/store/storetest"
)

// getsOf returns the requests for packs' bytes in a log.
func getsOf(log []string) (n int) {
	for _, call := range log {
		if strings.HasPrefix(call, "get packs/") {
			n++
		}
	}
	return n
}

// taken backs up an image that changes from run to run, as many packs as runs.
func taken(t testing.TB, w *world, image []byte, runs int) (last *snapshot.Snapshot) {
	t.Helper()
	for i := range runs {
		last = w.take(t, "production", image)
		image = touch(image, uint64(i)+20, len(image)/4096/20)
	}
	return last
}

// TestRestoreRequests restores an image whose chunks and bases are in several packs.
// The repository has one large pack, most of which is needed, and small ones.
func TestRestoreRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const runs = 4
	s := taken(t, w, pages(3, 1000), runs) // 4 MB
	if s.Chunks < 50 {
		t.Fatalf("got an image of %d chunks, want many", s.Chunks)
	}
	dir := t.TempDir()
	for _, tt := range []struct {
		name string
		dir  string
		size int64
		max  int // requests, the footers' included
	}{
		{"NoCache", "", 0, 4 * runs},
		{"Cold", dir, roomy, 2*runs + 1},
		{"Warm", dir, roomy, 0},
	} {
		faulty := storetest.NewFaulty(w.st, storetest.Fault{})
		runWith(t, faulty, tt.dir, tt.size, func(r *repo.Repo) {
			if !bytes.Equal(restore(t, r, s), w.images[s.ID]) {
				t.Errorf("%s: got another image", tt.name)
			}
		})
		if got := getsOf(faulty.Log()); got > tt.max {
			t.Errorf("%s: got %d requests for %d chunks, want %d at most", tt.name, got, s.Chunks, tt.max)
		}
	}
}

// TestRestoreReadsPacksOnce restores an image of several windows out of one pack,
// which is on its way into the cache when the second window is planned.
func TestRestoreReadsPacksOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	image := make([]byte, 12<<20)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(image) // never fails
	s := w.take(t, "production", image)
	if n := countOf(t, w.st, "packs/"); n != 1 {
		t.Fatalf("got %d packs, want one", n)
	}
	faulty := storetest.NewFaulty(w.st, storetest.Fault{})
	runWith(t, faulty, t.TempDir(), roomy, func(r *repo.Repo) {
		if !bytes.Equal(restore(t, r, s), image) {
			t.Error("got another image")
		}
	})
	if got := getsOf(faulty.Log()); got != 2 {
		t.Errorf("got %d requests, want one for the footer and one for the pack", got)
	}
}

// TestPackCacheOfAnotherHost backs up on a host after another host has: few packs are new to it, so it needs no more
// than their ends.
func TestPackCacheOfAnotherHost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	runWith(t, w.st, dir, roomy, func(r *repo.Repo) { take(t, r, "production", small) })
	w.take(t, "production", changed)
	faulty := storetest.NewFaulty(w.st, storetest.Fault{})
	opts := options(faulty) // with the clock of the other host: what is ahead of now is not continued
	opts.CacheDir, opts.TrustCache, opts.CacheSize = dir, true, roomy
	r := openAs(t, opts)
	w.images[take(t, r, "production", next).ID] = next
	r.Close()
	if got := getsOf(faulty.Log()); got != 1 {
		t.Errorf("got %d requests for the one pack of the other host, want 1: %q", got, faulty.Log())
	}
	w.verify(t)
}

// TestRestoreFaults lets each call of a restore fail once. A request for several
// blobs that fails is left to requests for each.
func TestRestoreFaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := taken(t, w, pages(3, 300), 3)
	for _, size := range []int64{0, roomy} {
		rescued := 0
		for n, hit := 2, true; hit; n++ {
			faulty := storetest.NewFaulty(w.st, storetest.Fault{At: n, Kind: storetest.Transient})
			opts := options(faulty)
			opts.CacheDir, opts.CacheSize = t.TempDir(), size
			r, err := repo.Open(t.Context(), opts)
			var got []byte
			if err == nil {
				got, err = copyOf(r, s)
			}
			hit = faulty.Calls() >= n
			if err == nil && !bytes.Equal(got, w.images[s.ID]) || err != nil && !errors.Is(err, storetest.ErrInjected) {
				t.Fatalf("call %d of %q: got %d bytes, %v", n, faulty.Log(), len(got), err)
			}
			if hit && err == nil && strings.HasPrefix(faulty.Log()[n-1], "get packs/") {
				rescued++
			}
		}
		if size == 0 && rescued == 0 {
			t.Error("no restore survived the failure of a request for packs")
		}
	}
}
