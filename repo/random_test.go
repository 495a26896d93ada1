package repo_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"

	"firn/repo"
	"firn/snapshot"
	"firn/store"
	"firn/store/storetest"
)

// waysAt are the two ways to an image's random reader.
func waysAt() map[string]func(context.Context, *repo.Repo, *snapshot.Snapshot) (*repo.RandomReader, error) {
	return map[string]func(context.Context, *repo.Repo, *snapshot.Snapshot) (*repo.RandomReader, error){
		"Whole": func(ctx context.Context, r *repo.Repo, s *snapshot.Snapshot) (*repo.RandomReader, error) {
			image, err := r.OpenImage(ctx, s)
			if err != nil {
				return nil, err
			}
			return image.At(ctx), nil
		},
		"Sparing": func(ctx context.Context, r *repo.Repo, s *snapshot.Snapshot) (*repo.RandomReader, error) {
			return r.ImageAt(ctx, s)
		},
	}
}

// eachWay runs a test for each of [waysAt].
func eachWay(t *testing.T, test func(t *testing.T, openAt openAt)) {
	t.Parallel()
	for name, way := range waysAt() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, func(r *repo.Repo, w *world) (*repo.RandomReader, []byte) {
				t.Helper()
				list, err := r.Snapshots(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				at, err := way(t.Context(), r, list[0])
				if err != nil {
					t.Fatal(err)
				}
				return at, w.images[list[0].ID]
			})
		})
	}
}

type openAt = func(r *repo.Repo, w *world) (*repo.RandomReader, []byte)

func TestRandomReader(t *testing.T) { eachWay(t, testRandomReader) }

func testRandomReader(t *testing.T, openAt openAt) {
	w := newWorld(t)
	taken(t, w, pages(3, 500), 3)
	at, want := openAt(open(t, w.st), w)
	random := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		off, n := random.IntN(len(want)), random.IntN(300_000)
		got := make([]byte, n)
		k, err := at.ReadAt(got, int64(off))
		end := min(off+n, len(want))
		if k != end-off || !bytes.Equal(got[:k], want[off:end]) {
			t.Fatalf("%d bytes at %d: got %d, or others", n, off, k)
		}
		if short := k < n; short != (err == io.EOF) || !short && err != nil {
			t.Fatalf("%d bytes at %d of %d: got %v", n, off, len(want), err)
		}
	}
	got, err := io.ReadAll(io.NewSectionReader(at, 0, at.Size()))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("from end to end: got %d bytes or others, %v", len(got), err)
	}
}

// TestRandomReaderRequests reads one page, and then all of them in order.
func TestRandomReaderRequests(t *testing.T) { eachWay(t, testRandomReaderRequests) }

func testRandomReaderRequests(t *testing.T, openAt openAt) {
	w := newWorld(t)
	s := taken(t, w, pages(3, 1000), 3)
	faulty := storetest.NewFaulty(w.st, storetest.Fault{})
	at, _ := openAt(open(t, faulty), w)
	before := getsOf(faulty.Log())
	if _, err := at.ReadAt(make([]byte, 4096), 2<<20); err != nil {
		t.Fatal(err)
	}
	one := getsOf(faulty.Log()) - before
	if one > 9 { // two chunks, a node, and the bases that they stand on
		t.Errorf("one page: got %d requests", one)
	}
	if _, err := io.Copy(io.Discard, io.NewSectionReader(at, 0, at.Size())); err != nil {
		t.Fatal(err)
	}
	if all := getsOf(faulty.Log()) - before; all > s.Chunks/2 {
		t.Errorf("all pages: got %d requests for %d chunks", all, s.Chunks)
	}
}

// TestRandomReaderMoved prunes while the image is open: its blobs move to another pack.
func TestRandomReaderMoved(t *testing.T) { eachWay(t, testRandomReaderMoved) }

func testRandomReaderMoved(t *testing.T, openAt openAt) {
	w := newWorld(t)
	image := pages(3, 300)
	first := w.take(t, "production", image)
	old := objectsOf(t, w.st, "packs/")[0].Name // the only one yet
	w.take(t, "production", append(bytes.Clone(image[:40*4096]), pages(4, 200)...))
	at, want := openAt(open(t, w.st), w)
	w.forget(t, first.ID)
	for range 2 {
		pruneAll(t, w.st)
	}
	if _, err := w.st.Get(t.Context(), old, 0, 1); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("pack after two prunes: got %v, want %v", err, fs.ErrNotExist)
	}
	got, err := io.ReadAll(io.NewSectionReader(at, 0, at.Size()))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("after a prune: got %d bytes or others, %v", len(got), err)
	}
}

// weighed counts the bytes that are read.
type weighed struct {
	store.Store
	bytes atomic.Int64
}

func (w *weighed) Get(ctx context.Context, name string, off, length int64) ([]byte, error) {
	b, err := w.Store.Get(ctx, name, off, length)
	w.bytes.Add(int64(len(b)))
	return b, err
}

// TestImageAtBytes reads two pages after several runs, with an empty cache and with
// what the first time has left in it. What the chunks of a run are made deltas of
// depends on which of its workers comes first: it is 101 to 104 kB, never the same.
func TestImageAtBytes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := taken(t, w, pages(3, 1500), 8)
	dir := t.TempDir()
	for _, most := range []int64{150 << 10, 0} {
		st := &weighed{Store: w.st}
		opts := options(st)
		opts.CacheDir, opts.TrustCache, opts.CacheSize = dir, true, 64<<20
		r, err := repo.Open(t.Context(), opts)
		if err != nil {
			t.Fatal(err)
		}
		at, err := r.ImageAt(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		for _, off := range []int64{0, 4 << 20} {
			got := make([]byte, 4096)
			if _, err := at.ReadAt(got, off); err != nil || !bytes.Equal(got, w.images[s.ID][off:off+4096]) {
				t.Errorf("page at %d: got %v, or another", off, err)
			}
		}
		r.Close()
		if got := st.bytes.Load(); got > most {
			t.Errorf("two pages of %d bytes: got %d bytes, want at most %d", at.Size(), got, most)
		}
	}
}

func TestImageAtDamaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := taken(t, w, pages(3, 500), 2)
	losePacks(t, w.st)
	at, err := open(t, w.st).ImageAt(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	var corrupt *repo.CorruptError
	if _, err := at.ReadAt(make([]byte, 1), 0); !errors.As(err, &corrupt) {
		t.Errorf("got %v, want a CorruptError", err)
	}
}

// TestImageAtFaults has each call of a short query fail. The footers are longer than the first read of them.
func TestImageAtFaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := taken(t, w, pages(3, 2000), 2)
	read := func(fault storetest.Fault) (*storetest.Faulty, error) {
		st := storetest.NewFaulty(w.st, fault)
		r, err := repo.Open(t.Context(), options(st))
		if err != nil {
			return st, err
		}
		defer r.Close()
		at, err := r.ImageAt(t.Context(), s)
		if err != nil {
			return st, err
		}
		got := make([]byte, 4096)
		if _, err := at.ReadAt(got, 4<<20); err != nil {
			return st, err
		}
		if !bytes.Equal(got, w.images[s.ID][4<<20:][:4096]) {
			t.Errorf("fault at call %d: got another page", fault.At)
		}
		return st, nil
	}
	sound, err := read(storetest.Fault{})
	if err != nil {
		t.Fatal(err)
	}
	if log := sound.Log(); len(log) == len(slices.Compact(slices.Sorted(slices.Values(log)))) {
		t.Errorf("no footer was read in two parts: %q", log)
	}
	for n := range sound.Calls() {
		if _, err := read(storetest.Fault{At: n + 1, Kind: storetest.Transient}); !errors.Is(err, storetest.ErrInjected) {
			t.Errorf("call %d failed: got %v", n+1, err)
		}
	}
}
