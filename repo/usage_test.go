package repo_test

import (
	"testing"
	"time"

	"firn/repo"
	"firn/retention"
	"firn/snapshot"
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

// TestUpkeep: the work on the repository is known after the snapshot with the note has gone, in whatever way.
func TestUpkeep(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 15, 3, 12, 0, 0, time.UTC)
	for name, forget := range map[string]func(t *testing.T, w *world, noted *snapshot.Snapshot){
		"ByID": func(t *testing.T, w *world, s *snapshot.Snapshot) { w.forget(t, s.ID) },
		"ByRule": func(t *testing.T, w *world, _ *snapshot.Snapshot) {
			w.backUp(t, t.TempDir(), next, repo.BackupOptions{Keep: &retention.Policy{Last: 1}})
		},
		"Later": func(t *testing.T, w *world, s *snapshot.Snapshot) {
			w.take(t, "production", next)
			w.forget(t, s.ID)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if err := open(t, w.st).NoteUpkeep(t.Context(), snapshot.Upkeep{Pruned: at}); err != nil {
				t.Errorf("without a snapshot: %v", err)
			}
			w.take(t, "production", small)
			noted := w.take(t, "production", changed)
			for _, done := range []snapshot.Upkeep{{Pruned: at}, {Checked: at.Add(time.Hour)}, {Pruned: at.Add(-time.Hour)}} {
				if err := open(t, w.st).NoteUpkeep(t.Context(), done); err != nil {
					t.Fatal(err)
				}
			}
			forget(t, w, noted)
			got := snapshot.LastUpkeep(snapshotsOf(t, open(t, w.st)))
			if !got.Pruned.Equal(at) || !got.Checked.Equal(at.Add(time.Hour)) || !got.Copied.IsZero() {
				t.Errorf("got %+v", got)
			}
		})
	}
}
