package repo_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"testing"

	"firn/repo"
	"firn/store/storetest"
)

// openAt opens the image for random reading.
func openAt(t testing.TB, r *repo.Repo, w *world) (*repo.RandomReader, []byte) {
	t.Helper()
	list, err := r.Snapshots(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	image, err := r.Image(t.Context(), list[0])
	if err != nil {
		t.Fatal(err)
	}
	return image.At(t.Context()), w.images[list[0].ID]
}

func TestRandomReader(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	taken(t, w, pages(3, 500), 3)
	at, want := openAt(t, open(t, w.st), w)
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
func TestRandomReaderRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := taken(t, w, pages(3, 1000), 3)
	faulty := storetest.NewFaulty(w.st, storetest.Fault{})
	at, _ := openAt(t, open(t, faulty), w)
	before := getsOf(faulty.Log())
	if _, err := at.ReadAt(make([]byte, 4096), 2<<20); err != nil {
		t.Fatal(err)
	}
	one := getsOf(faulty.Log()) - before
	if one > 6 { // two chunks, and the bases that they stand on
		t.Errorf("one page: got %d requests", one)
	}
	if _, err := io.Copy(io.Discard, io.NewSectionReader(at, 0, at.Size())); err != nil {
		t.Fatal(err)
	}
	if all := getsOf(faulty.Log()) - before; all > s.Chunks/2 {
		t.Errorf("all pages: got %d requests for %d chunks", all, s.Chunks)
	}
}

// TestRandomReaderMoved prunes while the image is open: what it needs moves to
// another pack.
func TestRandomReaderMoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	image := pages(3, 300)
	first := w.take(t, "production", image)
	old := objectsOf(t, w.st, "packs/")[0].Name // the only one yet
	w.take(t, "production", append(bytes.Clone(image[:40*4096]), pages(4, 200)...))
	at, want := openAt(t, open(t, w.st), w)
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
