package repo_test

import (
	"testing"

	"firn/repo"
)

func TestUsage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	gone := w.take(t, "production", pages(1, 100))
	w.take(t, "production", pages(2, 100))
	r := open(t, w.st)
	u, err := r.Usage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var size int64
	objects := objectsOf(t, w.st, "")
	for _, o := range objects {
		size += o.Size
	}
	if u.Size != size || u.Objects != len(objects) || u.Packs != countOf(t, w.st, "packs/") || !u.Pruned.IsZero() {
		t.Errorf("got %+v, want %d bytes in %d objects, never pruned", u, size, len(objects))
	}
	w.forget(t, gone.ID)
	if _, err := r.Prune(t.Context(), repo.PruneOptions{OrphanAge: -1}); err != nil {
		t.Fatal(err)
	}
	if u, err = open(t, w.st).Usage(t.Context()); err != nil || u.Pruned.IsZero() {
		t.Errorf("after a prune: got %+v, %v", u, err)
	}
}
