package repo_test

import (
	"os"
	"path/filepath"
	"testing"

	"firn/repo"
	"firn/retention"
	"firn/snapshot"
	"firn/store"
)

// backUp backs up b with a cache and returns the result.
func (w *world) backUp(t testing.TB, dir string, b []byte, opts repo.BackupOptions) *repo.BackupResult {
	t.Helper()
	var result *repo.BackupResult
	run(t, w.st, dir, func(r *repo.Repo) {
		var err error
		opts.Environment, opts.Database = "production", "app"
		if result, err = r.Backup(t.Context(), sourceOf(b), opts); err != nil {
			t.Fatal(err)
		}
	})
	if !opts.DryRun {
		w.images[result.Snapshot.ID] = b
	}
	for _, d := range result.Forgotten {
		if id, err := snapshot.ParseID(d.ID); err == nil {
			delete(w.images, id)
		}
	}
	return result
}

// setBack returns what a check says.
func setBack(t testing.TB, st store.Store, dir string) (told []*repo.SetBack) {
	t.Helper()
	run(t, st, dir, func(r *repo.Repo) {
		result, err := r.Check(t.Context(), repo.CheckOptions{})
		if err != nil || len(result.Findings) > 0 {
			t.Fatalf("check: got %v, %+v", err, result)
		}
		told = result.SetBack
	})
	return told
}

// TestSetBack puts an old copy of the repository in its place. It is told until
// the next backup is confirmed, and that one is whole, though the cache is trusted.
func TestSetBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	old := w.backUp(t, dir, small, repo.BackupOptions{}).Snapshot
	before := w.clone(t)
	w.backUp(t, dir, changed, repo.BackupOptions{})
	lost := w.backUp(t, dir, next, repo.BackupOptions{}).Snapshot
	if told := setBack(t, w.st, dir); len(told) > 0 {
		t.Fatalf("nothing was set back, but check tells %+v", told[0])
	}
	for range 2 { // a check does not make it forget
		told := setBack(t, before.st, dir)
		if len(told) != 1 || told[0].ID != lost.ID || told[0].Newest.ID != old.ID {
			t.Fatalf("check: got %+v, want that snapshot %s is gone and %s the newest", told, lost.ID, old.ID)
		}
	}
	if got := before.backUp(t, dir, next, repo.BackupOptions{DryRun: true}).SetBack; got == nil {
		t.Error("a dry run does not tell")
	}
	got := before.backUp(t, dir, next, repo.BackupOptions{}).SetBack
	if got == nil || got.ID != lost.ID || got.Sequence != lost.Sequence || !got.Time.Equal(lost.Time) || got.Newest.ID != old.ID {
		t.Fatalf("backup: got %+v, want that snapshot %s is gone", got, lost.ID)
	}
	before.verify(t)
	if got := before.backUp(t, dir, changed, repo.BackupOptions{}).SetBack; got != nil {
		t.Errorf("it is told again: %+v", got)
	}
	before.verify(t)
}

// TestNotSetBack lets the last snapshot go in all the ways that are right.
func TestNotSetBack(t *testing.T) {
	t.Parallel()
	for name, forget := range map[string]func(t *testing.T, w *world, dir string, last *snapshot.Snapshot){
		"ForgottenHere": func(t *testing.T, w *world, dir string, last *snapshot.Snapshot) {
			run(t, w.st, dir, func(r *repo.Repo) {
				if err := r.Forget(t.Context(), last.ID); err != nil {
					t.Fatal(err)
				}
			})
		},
		"RetentionElsewhere": func(t *testing.T, w *world, _ string, _ *snapshot.Snapshot) {
			w.backUp(t, t.TempDir(), next, repo.BackupOptions{Keep: &retention.Policy{Last: 1}})
		},
		"LaterElsewhere": func(t *testing.T, w *world, _ string, last *snapshot.Snapshot) {
			w.take(t, "production", next)
			w.forget(t, last.ID)
		},
		"NewCache": func(t *testing.T, w *world, dir string, last *snapshot.Snapshot) {
			w.forget(t, last.ID)
			run(t, w.st, dir, func(*repo.Repo) {})
			clearFolder(t, dir)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			dir := t.TempDir()
			w.backUp(t, dir, small, repo.BackupOptions{})
			last := w.backUp(t, dir, changed, repo.BackupOptions{}).Snapshot
			forget(t, w, dir, last)
			if told := setBack(t, w.st, dir); len(told) > 0 {
				t.Errorf("check tells %+v", told[0])
			}
			if got := w.backUp(t, dir, tiny, repo.BackupOptions{}).SetBack; got != nil {
				t.Errorf("backup tells %+v", got)
			}
		})
	}
}

// clearFolder removes the files of a cache.
func clearFolder(t testing.TB, dir string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, "objects")); err != nil {
		t.Fatal(err)
	}
}
