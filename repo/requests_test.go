package repo_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"firn/repo"
	"firn/retention"
	"firn/store/storetest"
)

// TestRequests counts the requests of runs with a warm cache, Open included: docs/client.md promises these numbers.
func TestRequests(t *testing.T) {
	t.Parallel()
	backup := func(b []byte, opts repo.BackupOptions) func(*world, *repo.Repo) error {
		return func(w *world, r *repo.Repo) error { return backupOf(b, opts)(context.Background(), w, r) }
	}
	tests := []struct {
		name  string
		run   func(*world, *repo.Repo) error
		trust bool
		size  int64 // of the cache of packs
		want  string
	}{
		{"Unchanged", backup(changed, repo.BackupOptions{}), true, 0, "list meta, put meta, list meta"},
		{"Skipped", backup(changed, repo.BackupOptions{IfChanged: true}), true, 0, "list meta"},
		{"Changed", backup(next, repo.BackupOptions{}), true, 0, "list meta, get packs, put packs, put meta, list meta"},
		{"Retention", backup(next, repo.BackupOptions{Keep: &retention.Policy{Last: 2}}), true, 0, "list meta, get packs, put packs, put meta, list meta, delete meta"},
		{"UnchangedListing", backup(changed, repo.BackupOptions{}), false, 0, "list meta, list packs, get packs, put meta, list meta"},
		{"ChangedListing", backup(next, repo.BackupOptions{}), false, 0, "list meta, list packs, get packs, put packs, put meta, list meta"},
		{"List", func(_ *world, r *repo.Repo) error {
			_, err := r.Snapshots(context.Background())
			return err
		}, true, 0, "list meta"},
		{"Note", noteOnce, true, 0, "list meta, put meta"},
		{"NoteAgain", func(w *world, r *repo.Repo) error {
			return errors.Join(noteOnce(w, r), noteOnce(w, r))
		}, true, 0, "list meta, put meta, list meta, put meta, delete meta"},
		{"Prune", func(w *world, r *repo.Repo) error { return pruneNow(context.Background(), w, r) }, true, 0, "list meta, list packs, get packs"},
		{"ChangedCached", backup(next, repo.BackupOptions{}), true, 64 << 20, "list meta, put packs, put meta, list meta"},
		{"RetentionCached", backup(next, repo.BackupOptions{Keep: &retention.Policy{Last: 2}}), true, 64 << 20, "list meta, put packs, put meta, list meta, delete meta"},
		{"UnchangedCached", backup(changed, repo.BackupOptions{}), true, 64 << 20, "list meta, put meta, list meta"},
		{"ChangedListingCached", backup(next, repo.BackupOptions{}), false, 64 << 20, "list meta, list packs, put packs, put meta, list meta"},
		{"PruneCached", func(w *world, r *repo.Repo) error { return pruneNow(context.Background(), w, r) }, true, 64 << 20, "list meta, list packs"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			dir := t.TempDir()
			for i, b := range [][]byte{small, touch(small, 9, 5), changed} {
				before := repo.BackupOptions{Time: time.Now().Add(time.Duration(i-3) * time.Minute)}
				runWith(t, w.st, dir, tt.size, func(r *repo.Repo) {
					if err := backupOf(b, before)(t.Context(), w, r); err != nil {
						t.Fatal(err)
					}
				})
			}
			faulty := storetest.NewFaulty(w.st, storetest.Fault{})
			opts := options(faulty)
			opts.CacheDir, opts.TrustCache, opts.CacheSize = dir, tt.trust, tt.size
			r, err := repo.Open(t.Context(), opts)
			if err != nil {
				t.Fatal(err)
			}
			if err := tt.run(w, r); err != nil {
				t.Fatal(err)
			}
			if got := brief(faulty.Log()); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			w.verify(t)
		})
	}
}

// noteOnce lists, and notes that the oldest snapshot is sound.
func noteOnce(_ *world, r *repo.Repo) error {
	list, err := r.Snapshots(context.Background())
	if err != nil {
		return err
	}
	return r.Note(context.Background(), verification(list[len(list)-1].ID, ""))
}

// brief shortens calls to what and where, and counts the bases of deltas, which
// are read with one request each, as one.
func brief(log []string) string {
	var short []string
	for _, call := range log {
		call, _, _ = strings.Cut(call, "/")
		call = strings.TrimSpace(call)
		if call != "get packs" || len(short) == 0 || short[len(short)-1] != call {
			short = append(short, call)
		}
	}
	return strings.Join(short, ", ")
}

// TestCloneSharesChunks backs up the clone of a database in another environment,
// and by another host, whose cache has never seen the original's packs.
func TestCloneSharesChunks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	run(t, w.st, dir, func(r *repo.Repo) { take(t, r, "demo", pages(8, 20)) })
	big := pages(2, 300)
	w.take(t, "production", big)
	run(t, w.st, dir, func(r *repo.Repo) {
		clone := touch(big, 5, 1)
		s := take(t, r, "staging", clone)
		w.images[s.ID] = clone
		if s.ChunksNew > 1 || s.Parent.IsZero() {
			t.Errorf("got %d of %d chunks stored anew, parent %s, want 1 of them and the origin", s.ChunksNew, s.Chunks, s.Parent.Short())
		}
	})
	w.verify(t)
}

// TestRestoredTargetContinuesItsSource backs up a target before and after an
// image of another environment took its place.
func TestRestoredTargetContinuesItsSource(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	source := w.take(t, "production", pages(2, 200))
	before := backupResult(t, open(t, w.st), small, repo.BackupOptions{ReplacedBy: source.ID}).Snapshot
	w.images[before.ID] = small
	after := w.take(t, "production", touch(w.images[source.ID], 4, 1))
	if after.Parent != source.ID || after.Previous != before.ID {
		t.Errorf("got parent %s, previous %s, want %s and %s", after.Parent.Short(), after.Previous.Short(), source.ID.Short(), before.ID.Short())
	}
	w.forget(t, source.ID)
	gone := w.take(t, "production", touch(small, 4, 1)) // whose ReplacedBy is not asked for, and exists no more
	if gone.Previous != after.ID {
		t.Errorf("got previous %s, want %s", gone.Previous.Short(), after.ID.Short())
	}
	w.verify(t)
}
