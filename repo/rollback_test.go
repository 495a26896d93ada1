package repo_test

import (
	"errors"
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

// setBack returns the rollbacks that a check finds.
func setBack(t testing.TB, st store.Store, dir string) (told []*repo.Rollback) {
	t.Helper()
	run(t, st, dir, func(r *repo.Repo) {
		result, err := r.Check(t.Context(), repo.CheckOptions{})
		if err != nil || len(result.Findings) > 0 {
			t.Fatalf("check: got %v, %+v", err, result)
		}
		told = result.Rollbacks
	})
	return told
}

// TestRollback puts an old copy of the repository in its place. The rollback is reported
// until a user accepts it; a backup meanwhile is whole, though the cache is trusted.
func TestRollback(t *testing.T) {
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
	if got := before.backUp(t, dir, next, repo.BackupOptions{DryRun: true}).Rollback; got == nil {
		t.Error("a dry run does not tell")
	}
	got := before.backUp(t, dir, next, repo.BackupOptions{}).Rollback
	if got == nil || got.ID != lost.ID || got.Sequence != lost.Sequence || !got.Time.Equal(lost.Time) || got.Newest.ID != old.ID {
		t.Fatalf("backup: got %+v, want that snapshot %s is gone", got, lost.ID)
	}
	before.verify(t)
	for range 3 { // until there are as many snapshots as there were
		if got := before.backUp(t, dir, changed, repo.BackupOptions{}).Rollback; got == nil || got.ID != lost.ID {
			t.Fatalf("later backup: got %+v, want that snapshot %s is gone", got, lost.ID)
		}
	}
	run(t, before.st, dir, func(r *repo.Repo) {
		if err := r.AcceptRollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	if got := before.backUp(t, dir, small, repo.BackupOptions{}).Rollback; got != nil {
		t.Errorf("it is told again: %+v", got)
	}
	if told := setBack(t, before.st, dir); len(told) > 0 {
		t.Errorf("check tells it again: %+v", told[0])
	}
	before.verify(t)
}

// lookBack opens a repository as any command does, and returns the rollbacks.
func lookBack(t testing.TB, st store.Store, opts repo.Options) ([]*repo.Rollback, error) {
	t.Helper()
	opts.Store, opts.Credential = st, testKey
	r, err := repo.Open(t.Context(), opts)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return r.Rollbacks(t.Context())
}

// stateful backs up with a folder for facts that outlive the cache.
func (w *world) stateful(t testing.TB, opts repo.Options, b []byte) *repo.BackupResult {
	t.Helper()
	opts.Store, opts.Credential = w.st, testKey
	r, err := repo.Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	result, err := r.Backup(t.Context(), sourceOf(b), repo.BackupOptions{Environment: "production", Database: "app"})
	if err != nil {
		t.Fatal(err)
	}
	w.images[result.Snapshot.ID] = b
	return result
}

// TestMarksOutliveTheCache: a store that renames the key slots has the cache emptied, and an operator may delete it. Neither
// makes this host forget the snapshots that it has stored.
func TestMarksOutliveTheCache(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(t *testing.T, w *world, opts *repo.Options){
		"Nothing":  func(*testing.T, *world, *repo.Options) {},
		"Deleted":  func(t *testing.T, _ *world, opts *repo.Options) { opts.CacheDir = t.TempDir() },
		"NoCache":  func(_ *testing.T, _ *world, opts *repo.Options) { opts.CacheDir = "" },
		"NewSlots": func(t *testing.T, w *world, _ *repo.Options) { renameSlots(t, w.st) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			opts := repo.Options{CacheDir: t.TempDir(), StateDir: t.TempDir()}
			w.stateful(t, opts, small)
			before := w.clone(t)
			lost := w.stateful(t, opts, changed).Snapshot
			if got, err := lookBack(t, w.st, opts); len(got) > 0 || err != nil {
				t.Fatalf("nothing was set back: got %+v, %v", got, err)
			}
			lose(t, before, &opts)
			for i := range 2 {
				if got, err := lookBack(t, before.st, opts); len(got) != 1 || got[0].ID != lost.ID || err != nil {
					t.Fatalf("got %+v, %v, want that %s is gone", got, err, lost.ID)
				}
				if i == 0 {
					before.stateful(t, opts, next)
				}
			}
			// The true store is put back: it has as many.
			if got, err := lookBack(t, w.st, opts); len(got) > 0 || err != nil {
				t.Errorf("put back: got %+v, %v", got, err)
			}
			before.verify(t)
		})
	}
}

// renameSlots gives the key slots new names, which need no key.
func renameSlots(t testing.TB, st store.Store) {
	t.Helper()
	for o, err := range st.List(t.Context(), "meta/key-") {
		if err != nil {
			t.Fatal(err)
		}
		b, err := st.Get(t.Context(), o.Name, 0, -1)
		if err == nil {
			err = st.Put(t.Context(), "meta/key-0123456789abcdef", b)
		}
		if err == nil {
			err = st.Delete(t.Context(), o.Name)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestMarksAreBound: a file in the folder counts for the repository that it was sealed for, and only under its own name.
func TestMarksAreBound(t *testing.T) {
	t.Parallel()
	w, opts := newWorld(t), repo.Options{StateDir: t.TempDir()}
	before := w.clone(t)
	w.stateful(t, opts, small)
	other := newWorld(t)
	_, err := lookBack(t, other.st, opts)
	if found, ok := errors.AsType[*repo.OtherError](err); !ok || found.Known == found.Found {
		t.Fatalf("another repository: got %v", err)
	}
	if _, err := lookBack(t, w.st, opts); err != nil {
		t.Fatalf("the refusal has changed something: %v", err)
	}
	marks, err := filepath.Glob(filepath.Join(opts.StateDir, "confirmed-*"))
	if err != nil || len(marks) != 1 {
		t.Fatalf("got marks %q, %v", marks, err)
	}
	if got, err := lookBack(t, before.st, opts); len(got) != 1 || err != nil {
		t.Fatalf("got %+v, %v, want one", got, err)
	}
	moved := repo.Options{StateDir: t.TempDir()}
	if err := os.Rename(marks[0], filepath.Join(moved.StateDir, "confirmed-00000000000000000000000000000000")); err != nil {
		t.Fatal(err)
	}
	if got, err := lookBack(t, before.st, moved); len(got) > 0 || err != nil {
		t.Errorf("under another name: got %+v, %v", got, err)
	}
	accepting := opts
	accepting.AcceptOther = true
	if _, err := lookBack(t, other.st, accepting); err != nil {
		t.Fatal(err)
	}
	if _, err := lookBack(t, other.st, opts); err != nil {
		t.Errorf("accepted: %v", err)
	}
	if _, err := lookBack(t, w.st, opts); err == nil {
		t.Error("the one before is not another one now")
	}
}

// TestNoRollback lets the last snapshot go in all the ways that are right.
func TestNoRollback(t *testing.T) {
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
		"ForgottenElsewhere": func(t *testing.T, w *world, _ string, last *snapshot.Snapshot) {
			w.forget(t, last.ID)
		},
		"ForgottenElsewhereWithThoseBefore": func(t *testing.T, w *world, _ string, last *snapshot.Snapshot) {
			w.take(t, "production", next)
			w.take(t, "production", tiny)
			for _, s := range snapshotsOf(t, open(t, w.st))[:3] { // the newest first
				w.forget(t, s.ID)
			}
		},
		"LaterElsewhere": func(t *testing.T, w *world, _ string, last *snapshot.Snapshot) {
			w.take(t, "production", next)
			w.forget(t, last.ID)
		},
		"LaterElsewhereThenForgotten": func(t *testing.T, w *world, _ string, last *snapshot.Snapshot) {
			later := w.take(t, "production", next)
			w.forget(t, last.ID)
			w.forget(t, later.ID)
		},
		"ForgottenElsewhereThenLater": func(t *testing.T, w *world, _ string, last *snapshot.Snapshot) {
			w.forget(t, last.ID)
			taken(t, w, next, 2)
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
			if got := w.backUp(t, dir, tiny, repo.BackupOptions{}).Rollback; got != nil {
				t.Errorf("backup tells %+v", got)
			}
		})
	}
}

// TestRollbackBesideOthers puts an old copy in the place of the repository. Hosts without a mark then
// work on it, and none of their work accounts for the missing snapshot.
func TestRollbackBesideOthers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		act       func(t *testing.T, w *world)
		uncertain bool
	}{
		"Nothing": {act: func(*testing.T, *world) {}},
		"Backup":  {act: func(t *testing.T, w *world) { w.take(t, "production", next) }},
		"Backups": {act: func(t *testing.T, w *world) { taken(t, w, next, 3) }},
		"Retention": {act: func(t *testing.T, w *world) {
			w.take(t, "production", next)
			w.stateless(t, tiny, &retention.Policy{Last: 2})
		}},
		"Forgotten": {act: func(t *testing.T, w *world) {
			w.forget(t, w.take(t, "production", next).ID)
			w.take(t, "production", tiny)
		}},
		"Renamed": {act: func(t *testing.T, w *world) { renameNewest(t, w.st) }},
		"NothingLeft": {uncertain: true, act: func(t *testing.T, w *world) {
			taken(t, w, next, 3)
			w.stateless(t, tiny, &retention.Policy{Last: 1})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, opts := newWorld(t), repo.Options{CacheDir: t.TempDir(), StateDir: t.TempDir()}
			w.stateful(t, opts, small)
			before := w.clone(t)
			lost := w.stateful(t, opts, changed).Snapshot
			if name == "Renamed" {
				before = w
			}
			tt.act(t, before)
			for range 2 {
				if got, err := lookBack(t, before.st, opts); err != nil || len(got) != 1 || got[0].ID != lost.ID || got[0].Uncertain != tt.uncertain {
					t.Fatalf("a look: got %+v, %v, want that %s is gone, uncertain %t", got, err, lost.ID, tt.uncertain)
				}
			}
			if tt.uncertain {
				return
			}
			if got := before.stateful(t, opts, tiny).Rollback; got == nil || got.ID != lost.ID {
				t.Errorf("a backup: got %+v, want that %s is gone", got, lost.ID)
			}
		})
	}
}

// stateless backs up as a host that has no mark, with rules.
func (w *world) stateless(t testing.TB, b []byte, keep *retention.Policy) {
	t.Helper()
	if _, err := open(t, w.st).Backup(t.Context(), sourceOf(b), repo.BackupOptions{Environment: "production", Database: "app", Keep: keep}); err != nil {
		t.Fatal(err)
	}
}

// renameNewest lets the newest record pass for one of another time, which needs no key.
func renameNewest(t testing.TB, st store.Store) {
	t.Helper()
	newest := snapshotsOf(t, open(t, st))[0]
	b, err := st.Get(t.Context(), newest.ObjectName(), 0, -1)
	other := snapshot.Snapshot{ID: newest.ID, Time: newest.Time.AddDate(-1, 0, 0)}
	if err == nil {
		err = st.Put(t.Context(), other.ObjectName(), b)
	}
	if err == nil {
		err = st.Delete(t.Context(), newest.ObjectName())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestMarksInTheCache: the later of two marks counts, where the folder could not be written since.
func TestMarksInTheCache(t *testing.T) {
	t.Parallel()
	w, opts := newWorld(t), repo.Options{CacheDir: t.TempDir(), StateDir: t.TempDir()}
	w.stateful(t, opts, small)
	before := w.clone(t)
	lost := w.stateful(t, repo.Options{CacheDir: opts.CacheDir}, changed).Snapshot
	if got, err := lookBack(t, before.st, opts); len(got) != 1 || got[0].ID != lost.ID || err != nil {
		t.Fatalf("got %+v, %v, want that %s is gone", got, err, lost.ID)
	}
	last := w.stateful(t, opts, next).Snapshot // to the folder again
	opts.CacheDir = ""
	if got, err := lookBack(t, before.st, opts); len(got) != 1 || got[0].ID != last.ID || err != nil {
		t.Errorf("without a cache: got %+v, %v, want that %s is gone", got, err, last.ID)
	}
}

// TestUnreadMarks: a mark that tells nothing is told of, until it is written anew or given up.
func TestUnreadMarks(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{"Empty": "", "Garbage": "garbage"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, opts := newWorld(t), options(nil)
			opts.StateDir = t.TempDir()
			w.stateful(t, opts, small)
			marks, err := filepath.Glob(filepath.Join(opts.StateDir, "confirmed-*"))
			if err != nil || len(marks) != 1 {
				t.Fatalf("got marks %q, %v", marks, err)
			}
			opts.Store = w.st
			unread := func() int { return len(openAs(t, opts).UnreadMarks()) }
			spoil := func() {
				if err := os.WriteFile(marks[0], []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if got := unread(); got != 0 {
				t.Errorf("sound: got %d unread", got)
			}
			spoil()
			if got := unread(); got != 1 {
				t.Errorf("got %d unread, want 1", got)
			}
			w.stateful(t, opts, changed)
			if got := unread(); got != 0 {
				t.Errorf("after a backup: got %d unread", got)
			}
			spoil()
			if err := openAs(t, opts).AcceptRollback(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := unread(); got != 0 {
				t.Errorf("accepted: got %d unread", got)
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

// TestMarksOfAnotherProcess: a snapshot that another process of this host has stored since the listing is not missing.
func TestMarksOfAnotherProcess(t *testing.T) {
	t.Parallel()
	w, opts := newWorld(t), options(nil)
	opts.StateDir = t.TempDir()
	w.stateful(t, opts, small)
	opts.Store = w.st
	looking, backing := openAs(t, opts), openAs(t, opts)
	w.stateful(t, opts, changed)
	if got, err := looking.Rollbacks(t.Context()); len(got) > 0 || err != nil {
		t.Errorf("a look: got %+v, %v", got, err)
	}
	result, err := backing.Backup(t.Context(), sourceOf(next), repo.BackupOptions{Environment: "production", Database: "app"})
	if err != nil || result.Rollback != nil {
		t.Fatalf("a backup: got %+v, %v", result, err)
	}
	w.images[result.Snapshot.ID] = next
	w.verify(t)
}
