package repo_test

import (
	"context"
	"errors"
	"io/fs"
	"testing"
	"time"

	"firn/repo"
	"firn/retention"
	"firn/snapshot"
	"firn/store"
)

// appendOnly is a store that refuses to delete.
type appendOnly struct{ store.Store }

func (appendOnly) Delete(context.Context, ...string) error { return fs.ErrPermission }

// TestAppendOnly backs up with credentials that may not delete: that must go well
// as long as no snapshots are to be removed.
func TestAppendOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := w.take(t, "production", small)
	opts := options(appendOnly{w.st})
	opts.Now = hourly(time.Now()) // a long upload, with partial records
	r, err := repo.Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	back := repo.BackupOptions{Environment: "production", Database: "app"}
	result, err := r.Backup(t.Context(), sourceOf(changed), back)
	if err != nil || !errors.Is(result.Left, repo.ErrMayNotDelete) || countOf(t, w.st, "meta/part-") == 0 {
		t.Fatalf("backup: got %v, %+v, want it done and a partial record left", err, result)
	}
	w.images[result.Snapshot.ID] = changed
	if result, err = r.Backup(t.Context(), sourceOf(changed), back); err != nil || result.Left != nil {
		t.Fatalf("backup with nothing to remove: got %v, %+v", err, result)
	}
	w.images[result.Snapshot.ID] = changed

	back.Keep = &retention.Policy{Last: 1}
	result, err = r.Backup(t.Context(), sourceOf(next), back)
	if !errors.Is(err, repo.ErrMayNotDelete) || !errors.Is(err, fs.ErrPermission) || result == nil || len(result.Forgotten) == 0 {
		t.Fatalf("backup with retention: got %v, want it to tell that it may not delete", err)
	}
	w.images[result.Snapshot.ID] = next
	for _, problem := range []string{"bad", ""} { // the second cannot take the place of the first, and wins
		note(t, r, old.ID, problem)
	}
	if got := verified(t, open(t, w.st)); countOf(t, w.st, snapshot.NotePrefix) != 2 || !got[old.ID].Sound() {
		t.Errorf("got %v, want two notes, of which the sound one counts", got)
	}
	if err := r.Forget(t.Context(), old.ID); !errors.Is(err, repo.ErrMayNotDelete) {
		t.Errorf("forget: got %v", err)
	}
	w.verify(t)
	w.forget(t, old.ID, w.take(t, "demo", pages(8, 40)).ID)
	if got := pruneAll(t, w.st); got.Condemned == 0 {
		t.Fatal("nothing to sweep")
	}
	if _, err := r.Prune(t.Context(), repo.PruneOptions{OrphanAge: -1}); !errors.Is(err, repo.ErrMayNotDelete) {
		t.Errorf("prune: got %v", err)
	}
	w.verify(t)
	w.goOn(t, tiny)
}
