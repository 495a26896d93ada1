package repo_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"testing"

	"firn/repo"
	"firn/snapshot"
	"firn/store/storetest"
)

// TestCopyKilled kills a copy after its first pack. The next one does not store that
// again, although no cache knows of it.
func TestCopyKilled(t *testing.T) {
	t.Parallel()
	c := newCopies(t)
	b := make([]byte, 18<<20)                   // more than one pack, as it does not compress
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b) // never fails
	list := []*snapshot.Snapshot{c.take(t, "demo", small), c.take(t, "production", b), nil}
	list[2] = list[1]
	ctx, die := context.WithCancel(t.Context())
	puts := 0
	hooked := storetest.NewHooked(c.to, func(op, _ string) {
		if op == "put" {
			if puts++; puts == 4 { // a pack and a record of the first one, a pack of the second
				die()
			}
		}
	})
	opts := otherOptions(hooked)
	opts.CacheDir, opts.TrustCache = t.TempDir(), true // like that of a bucket
	for i, want := range []error{nil, context.Canceled, nil} {
		to, err := repo.Open(t.Context(), opts)
		if err != nil {
			t.Fatal(err)
		}
		copies, _ := copier(t, open(t, c.st), to)
		if _, err := copies.Copy(ctx, list[i], nil); !errors.Is(err, want) {
			t.Fatalf("copy %d: got %v, want %v", i, err, want)
		}
		if want == nil {
			to.Close()
		} else {
			ctx = t.Context()
		}
	}
	var stored int64
	for _, o := range objectsOf(t, c.to, "packs/") {
		stored += o.Size
	}
	if most := int64(len(b) + len(b)/50); stored > most {
		t.Errorf("the packs have %d bytes, want at most %d", stored, most)
	}
	to := openOther(t, c.to)
	got, err := to.Snapshots(t.Context())
	if err != nil || len(got) != 2 || !bytes.Equal(restore(t, to, got[0]), b) {
		t.Errorf("got %d snapshots, %v, want both", len(got), err)
	}
}

// TestCopyFaults lets every call of the target fail in every way, and copies again.
func TestCopyFaults(t *testing.T) {
	t.Parallel()
	prepared := newCopies(t)
	prepared.take(t, "production", small)
	prepared.copy(t)
	prepared.take(t, "production", changed)
	for _, kind := range shapes()[0].kinds {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			for n := 1; ; n += stride() {
				c := &copies{prepared.world.clone(t), cloneStore(t, prepared.to)}
				faulty := storetest.NewFaulty(c.to, storetest.Fault{At: n, Kind: kind})
				ctx := faulty.Context(t.Context())
				to, err := repo.Open(ctx, otherOptions(faulty))
				if err == nil {
					_, _, err = copyAll(ctx, open(t, c.st), to, nil)
				}
				if err != nil && !injected(err, storetest.Fault{At: n, Kind: kind}) {
					t.Fatalf("call %d of %q: %v", n, faulty.Log(), err)
				}
				c.copy(t)
				c.verify(t)
				if t.Failed() {
					t.Fatalf("after call %d of %q", n, faulty.Log())
				}
				if faulty.Calls() < n {
					return
				}
			}
		})
	}
}

// TestCopyDuringPrune has the parent of a copy condemned before the copy's record is there: the copy
// is made again, from an image that is opened again.
func TestCopyDuringPrune(t *testing.T) {
	t.Parallel()
	c := newCopies(t)
	first := c.take(t, "production", small)
	c.copy(t)
	c.take(t, "production", changed)
	c.world.forget(t, first.ID) // in both
	pruned := false
	hooked := storetest.NewHooked(c.to, func(op, name string) {
		if op != "put" || !snapshotName(name) || pruned {
			return
		}
		pruned = true
		other := openOther(t, c.to)
		list, _ := other.Snapshots(t.Context())
		if err := other.Forget(t.Context(), list[0].ID); err != nil {
			t.Error(err)
		}
		if got := pruneWith(t, openOther(t, c.to), repo.PruneOptions{OrphanAge: -1}); got.Condemned == 0 {
			t.Error("nothing was condemned")
		}
	})
	_, results, err := copyAll(t.Context(), open(t, c.st), openOther(t, hooked), nil)
	if err != nil || results[0].Tries != 2 {
		t.Fatalf("got %v, %+v, want a second try", err, results)
	}
	c.verify(t)
}

// TestCopyDamaged copies from a source that has lost chunks: all whole snapshots are copied.
func TestCopyDamaged(t *testing.T) {
	t.Parallel()
	c := newCopies(t)
	lost := c.take(t, "production", pages(1, 200))
	kept := c.take(t, "demo", pages(2, 200))
	for _, p := range lost.Packs {
		if err := c.st.Delete(t.Context(), "packs/"+p[:2]+"/"+p); err != nil {
			t.Fatal(err)
		}
	}
	copies, _ := copier(t, open(t, c.st), openOther(t, c.to))
	damage := &repo.CorruptError{}
	if _, err := copies.Copy(t.Context(), lost, nil); !errors.Is(err, repo.ErrUnreadable) || !errors.As(err, &damage) {
		t.Errorf("copy of a damaged snapshot: got %v", err)
	}
	if _, err := copies.Copy(t.Context(), kept, nil); err != nil {
		t.Error(err)
	}
	list, err := openOther(t, c.to).Snapshots(t.Context())
	if err != nil || len(list) != 1 || list[0].Original.Snapshot != kept.ID {
		t.Errorf("got %d copies, %v, want that of %s", len(list), err, kept.ID)
	}
}

// TestCopyForgotten has the source forget and prune a snapshot that a copy was about to read.
func TestCopyForgotten(t *testing.T) {
	t.Parallel()
	c := newCopies(t)
	s := c.take(t, "production", pages(1, 100))
	copies, _ := copier(t, open(t, c.st), openOther(t, c.to))
	c.world.forget(t, s.ID)
	for range 3 {
		pruneAll(t, c.st)
	}
	if _, err := copies.Copy(t.Context(), s, nil); !errors.Is(err, snapshot.ErrNotFound) || errors.Is(err, repo.ErrUnreadable) {
		t.Errorf("got %v, want that it is gone", err)
	}
}
