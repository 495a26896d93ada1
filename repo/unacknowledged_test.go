package repo_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"firn/repo"
	"firn/snapshot"
	"firn/store/mem"
	"firn/store/storetest"
)

// brokenRecord leaves the record of a run that was killed before its second look: prunes have deleted blobs that it relies
// on, between its listing and its record. With again, it wakes up after that act, and must not acknowledge a snapshot that
// is not whole.
func brokenRecord(t testing.TB, w *world, host string, again func()) error {
	t.Helper()
	b := pages(6, 40)
	w.forget(t, w.take(t, "demo", b).ID)
	ctx, die := context.WithCancel(context.Background())
	defer die()
	recorded := false
	hooked := storetest.NewHooked(w.st, func(op, name string) {
		switch {
		case op == "put" && snapshotName(name) && !recorded:
			recorded = true
			pruneAll(t, w.st)
			pruneAll(t, w.st)
		case op == "list" && name == "meta/gc-" && again != nil:
			act := again
			again = nil
			act()
		case op == "list" && name == "meta/gc-" && host == "dead":
			die()
		}
	})
	opts := options(hooked)
	opts.Host = host
	r, err := repo.Open(ctx, opts)
	if err != nil {
		t.Fatal(err)
	}
	result, err := r.Backup(ctx, sourceOf(b), repo.BackupOptions{Environment: "demo", Database: "app"})
	if err == nil {
		w.images[result.Snapshot.ID] = b
	}
	return err
}

// TestPruneGoesOnWithoutUnacknowledged has another host prune where a dead one has left a
// record that is not whole.
func TestPruneGoesOnWithoutUnacknowledged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	twoSnapshots(t, w)
	if err := brokenRecord(t, w, "dead", nil); !errors.Is(err, context.Canceled) {
		t.Fatalf("backup: got %v, want it to die", err)
	}
	garbage := w.take(t, "x", pages(18, 40))
	w.forget(t, garbage.ID)
	left := func(want int) {
		t.Helper()
		w.verify(t)
		if got := countOf(t, w.st, snapshot.Prefix) - len(w.images); got != want {
			t.Errorf("got %d records that are not acknowledged, want %d", got, want)
		}
	}
	for range 3 { // the next plan does not say that it was seen whole
		got := pruneAll(t, w.st)
		if len(got.Unacknowledged) != 1 || got.Unacknowledged[0].Environment != "demo" {
			t.Fatalf("got %+v, want the prune to tell of one", got)
		}
		left(1)
	}
	if !isGone(t, w.st, garbage.Packs) {
		t.Error("nothing was freed")
	}
	w.take(t, "demo", pages(7, 40)) // by another host, which knows nothing of it
	pruneAll(t, w.st)
	left(1)

	opts := options(w.st)
	opts.Now = func() time.Time { return time.Now().Add(25 * time.Hour) }
	r, err := repo.Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	pruneWith(t, r, repo.PruneOptions{OrphanAge: -1})
	left(0)
	w.goOn(t, tiny)
}

func isGone(t testing.TB, st *mem.Store, packs []string) bool {
	t.Helper()
	for _, o := range objectsOf(t, st, "packs/") {
		for _, id := range packs {
			if strings.HasSuffix(o.Name, id) {
				return false
			}
		}
	}
	return true
}

// TestUnacknowledgedWakes has the run of such a record go on after prunes have gone on without
// it, and after another run has stored the same blobs again: the snapshot that it acknowledges
// in the end is whole.
func TestUnacknowledgedWakes(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(testing.TB, *world){
		"Pruned":      func(t testing.TB, w *world) { pruneAll(t, w.st) },
		"StoredAgain": func(t testing.TB, w *world) { w.take(t, "other", pages(6, 40)) },
		"PrunedAndStoredAgain": func(t testing.TB, w *world) {
			pruneAll(t, w.st)
			w.take(t, "other", pages(6, 40))
			pruneAll(t, w.st)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			twoSnapshots(t, w)
			if err := brokenRecord(t, w, "asleep", func() { act(t, w) }); err != nil {
				t.Fatal(err)
			}
			w.verify(t)
			if got, want := countOf(t, w.st, snapshot.Prefix), len(w.images); got != want {
				t.Errorf("got %d records, want %d", got, want)
			}
			w.goOn(t, tiny)
		})
	}
}

// TestPruneStopsAtDamage takes packs of acknowledged snapshots away: a prune must not take
// that for an unacknowledged record, under old plans and new ones.
func TestPruneStopsAtDamage(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(testing.TB, *world){
		"SamePlans": func(testing.TB, *world) {},
		"NewPlans":  func(t testing.TB, w *world) { w.forget(t, w.take(t, "x", pages(18, 40)).ID); pruneAll(t, w.st) },
		"NewerPlans": func(t testing.TB, w *world) {
			for i := range uint64(2) {
				w.forget(t, w.take(t, "x", pages(18+i, 40)).ID)
				pruneAll(t, w.st)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			s := w.take(t, "demo", pages(6, 40))
			prepare(t, w)
			for _, o := range objectsOf(t, w.st, "packs/") {
				if strings.HasSuffix(o.Name, s.Packs[0]) {
					if err := w.st.Delete(t.Context(), o.Name); err != nil {
						t.Fatal(err)
					}
				}
			}
			before := contents(t, w.st)
			var damage *repo.CorruptError
			if _, err := open(t, w.st).Prune(t.Context(), repo.PruneOptions{OrphanAge: -1}); !errors.As(err, &damage) {
				t.Errorf("got %v, want damage", err)
			}
			if got := contents(t, w.st); len(got) != len(before) {
				t.Errorf("got %d objects, want %d: nothing may be deleted", len(got), len(before))
			}
		})
	}
}

// TestRecordedAgain publishes a plan between a record and the second look: the acknowledged record names the plans of then,
// and is the only one.
func TestRecordedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.forget(t, w.take(t, "x", pages(18, 40)).ID)
	published := false
	hooked := storetest.NewHooked(w.st, func(op, name string) {
		if op == "list" && name == "meta/gc-" && !published {
			published = true
			pruneAll(t, w.st)
		}
	})
	r, err := repo.Open(t.Context(), options(hooked))
	if err != nil {
		t.Fatal(err)
	}
	got := take(t, r, "production", small)
	w.images[got.ID] = small
	next := w.take(t, "production", small)
	if !published || got.Token != next.Token {
		t.Errorf("acknowledged under %s, want the plans of now, %s", got.Token, next.Token)
	}
	if n := countOf(t, w.st, snapshot.Prefix); n != len(w.images) {
		t.Errorf("got %d records, want %d", n, len(w.images))
	}
	w.verify(t)
}
