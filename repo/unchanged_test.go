package repo_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"testing"
	"time"

	"firn/repo"
	"firn/snapshot"
	"firn/store"
)

// unread is an image that must not be read.
type unread struct{ *image }

var errRead = errors.New("the image was read")

func (unread) Read([]byte) (int, error) { return 0, errRead }

func unreadable(print string) repo.Source {
	return func(context.Context) (repo.SourceImage, error) { return unread{&image{fingerprint: print}}, nil }
}

func at(t testing.TB, st store.Store, now time.Time) *repo.Repo {
	t.Helper()
	opts := options(st)
	opts.Now = func() time.Time { return now }
	return openAs(t, opts)
}

// TestUnchanged tries when an image with the fingerprint of the last snapshot
// is not read.
func TestUnchanged(t *testing.T) {
	t.Parallel()
	start := time.Now().Truncate(time.Second)
	tests := []struct {
		name  string
		opts  repo.BackupOptions
		after time.Duration
		alter func(t testing.TB, w *world)
		print string
		reads bool
	}{
		{name: "Unchanged", print: "one"},
		{name: "Changed", print: "two", reads: true},
		{name: "NoFingerprint", print: "", reads: true},
		{name: "ForceScan", print: "one", opts: repo.BackupOptions{ForceScan: true}, reads: true},
		{name: "IfChanged", print: "one", opts: repo.BackupOptions{IfChanged: true}},
		{name: "DryRun", print: "one", opts: repo.BackupOptions{DryRun: true}},
		{name: "WithinADay", print: "one", after: 23 * time.Hour},
		{name: "AfterADay", print: "one", after: 25 * time.Hour, reads: true},
		{name: "ClockBehind", print: "one", after: -time.Hour, reads: true},
		{name: "AfterPrune", print: "one", alter: func(t testing.TB, w *world) {
			w.forget(t, w.take(t, "demo", pages(8, 20)).ID)
			pruneAll(t, w.st)
		}},
		{name: "OtherEnvironmentsSnapshot", print: "one", opts: repo.BackupOptions{Environment: "demo"}, reads: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			opts := repo.BackupOptions{Environment: "production", Database: "app"}
			old, err := at(t, w.st, start).Backup(t.Context(), fingerprinted(small, "one"), opts)
			if err != nil {
				t.Fatal(err)
			}
			w.images[old.Snapshot.ID] = small
			if tt.alter != nil {
				tt.alter(t, w)
			}
			tt.opts.Database = "app"
			if tt.opts.Environment == "" {
				tt.opts.Environment = "production"
			}
			result, err := at(t, w.st, start.Add(tt.after)).Backup(t.Context(), unreadable(tt.print), tt.opts)
			if tt.reads {
				if !errors.Is(err, errRead) {
					t.Errorf("got %v, want the image to be read", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			s := result.Snapshot
			if result.Skipped != tt.opts.IfChanged || (s.ID == old.Snapshot.ID) != tt.opts.IfChanged {
				t.Errorf("got skipped %t with snapshot %s, want %t", result.Skipped, s.ID.Short(), tt.opts.IfChanged)
			}
			if s.Image().Root != old.Snapshot.Image().Root || !s.Image().ReadAt.Equal(old.Snapshot.Image().ReadAt) {
				t.Errorf("got root %s read at %s, want those of the snapshot before", s.Image().Root, s.Image().ReadAt)
			}
			if !tt.opts.DryRun {
				w.images[s.ID] = small
			}
			w.verify(t)
		})
	}
}

// TestIfChangedScanned reads an image to the end that no fingerprint tells unchanged.
func TestIfChangedScanned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := w.take(t, "production", small)
	opts := repo.BackupOptions{Environment: "production", Database: "app", IfChanged: true}
	for _, tt := range []struct {
		image []byte
		skips bool
	}{{small, true}, {touch(small, 1, 1), false}} {
		result, err := open(t, w.st).Backup(t.Context(), sourceOf(tt.image), opts)
		if err != nil {
			t.Fatal(err)
		}
		if result.Skipped != tt.skips || (result.Snapshot.ID == old.ID) != tt.skips {
			t.Errorf("got skipped %t with snapshot %s, want %t", result.Skipped, result.Snapshot.ID.Short(), tt.skips)
		}
	}
	if n := countOf(t, w.st, snapshot.Prefix); n != 2 {
		t.Errorf("got %d records, want 2", n)
	}
}

// TestUnchangedButSwept lets an unchanged run meet a snapshot whose packs are
// condemned: it reads the image, and stores it anew.
func TestUnchangedButSwept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rescuablePack(t, w) // its unconfirmed snapshot is demo's newest
	opts := repo.BackupOptions{Environment: "demo", Database: "app"}
	b := pages(6, 40)
	result, err := open(t, w.st).Backup(t.Context(), fingerprinted(b, ""), opts)
	if err != nil {
		t.Fatal(err)
	}
	if result.Snapshot.Unchanged || result.Snapshot.ChunksNew == 0 {
		t.Errorf("got unchanged %t, %d new chunks, want the chunks stored anew", result.Snapshot.Unchanged, result.Snapshot.ChunksNew)
	}
	w.images[result.Snapshot.ID] = b
	w.goOn(t, next)
}

// TestDryRunWritesNothing compares the store's content.
func TestDryRunWritesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	wastefulPack(t, w)
	before := contents(t, w.st)
	dir := t.TempDir()
	run(t, w.st, dir, func(r *repo.Repo) {
		s := backupResult(t, r, next, repo.BackupOptions{DryRun: true}).Snapshot
		if s.Added == 0 || s.ChunksNew == 0 {
			t.Errorf("got %d bytes in %d new chunks, want what a real run would add", s.Added, s.ChunksNew)
		}
		pruned := pruneWith(t, r, repo.PruneOptions{OrphanAge: -1, DryRun: true})
		if pruned.Condemned == 0 {
			t.Errorf("got %+v, want what a real prune would condemn", pruned)
		}
	})
	if !maps.Equal(contents(t, w.st), before) {
		t.Error("a dry run changed the store")
	}
	run(t, w.st, dir, func(r *repo.Repo) { w.images[take(t, r, "production", next).ID] = next })
	w.verify(t)
}

// TestIfDue prunes only when the last prune was hours ago; a dry run does not count.
func TestIfDue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	deadPack(t, w)
	r := at(t, w.st, time.Now().Add(7*time.Hour))
	pruneWith(t, r, repo.PruneOptions{OrphanAge: -1, DryRun: true})
	for _, want := range []bool{false, true} {
		if got := pruneWith(t, r, repo.PruneOptions{OrphanAge: -1, IfDue: true}); got.Skipped != want {
			t.Errorf("got skipped %t, want %t", got.Skipped, want)
		}
	}
}

// TestEmptyImage and images of less than a page are images like others.
func TestEmptyImage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, n := range []int{0, 1, 100, 65536, 0} {
		w.take(t, "production", bytes.Repeat([]byte{7}, n))
	}
	w.goOn(t, small)
}
