package history_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"firn/diff"
	"firn/history"
	"firn/repo"
	"firn/rows"
	"firn/snapshot"
	"firn/sqlite"
)

// kinds returns the kinds of the events of a row and the places of their snapshots.
func (w *world) kinds(h *history.Row) string {
	var all []string
	for _, e := range h.Events {
		all = append(all, fmt.Sprintf("%d %s", w.place(e.Snapshot), e.Kind))
	}
	return strings.Join(all, ", ")
}

// three takes three snapshots, in each of which the row 1 of the table t is another.
func (w *world) three(t *testing.T) {
	t.Helper()
	w.exec(t, "CREATE TABLE t(id INTEGER PRIMARY KEY, a)", "INSERT INTO t VALUES (1, 0)")
	for i := range 3 {
		w.exec(t, fmt.Sprintf("UPDATE t SET a = %d", i))
		w.take(t, "production")
	}
}

func one() rows.Key { return rows.Key{Words: []string{"1"}} }

// TestDamagedPack leaves out a snapshot whose data is gone.
func TestDamagedPack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, small())
	w.three(t)
	for o, err := range w.store.List(t.Context(), "packs/") {
		if err == nil && strings.HasSuffix(o.Name, w.snapshots[0].Packs[0]) {
			err = w.store.Delete(t.Context(), o.Name)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	h, err := history.OfRow(t.Context(), w.open(t, w.store), w.snapshots, "t", one())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := w.kinds(h), "0 present, 1 changed"; got != want {
		t.Errorf("events: got %s, want %s", got, want)
	}
	if len(h.Skipped) != 1 || h.Skipped[0].Snapshot.ID != w.snapshots[0].ID || h.Skipped[0].Forgotten {
		t.Errorf("skipped: got %v, want the newest, which is not forgotten", h.Skipped)
	}
	damage := history.Damage(h.Skipped)
	if _, ok := errors.AsType[*repo.CorruptError](damage); !ok || !strings.Contains(damage.Error(), w.snapshots[0].ID.Short()) {
		t.Errorf("damage: got %v, want a CorruptError with the ID of the snapshot", damage)
	}
}

// TestForgottenMeanwhile forgets a snapshot between the listing and the reading.
func TestForgottenMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, small())
	w.three(t)
	if err := w.repo.Forget(t.Context(), w.snapshots[1].ID); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second one deletes what the first one has condemned
		if _, err := w.repo.Prune(t.Context(), repo.PruneOptions{OrphanAge: -1}); err != nil {
			t.Fatal(err)
		}
	}
	r := w.open(t, w.store)
	h, err := history.OfRow(t.Context(), r, w.snapshots, "t", one())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := w.kinds(h), "0 present, 2 changed"; got != want {
		t.Errorf("events: got %s, want %s", got, want)
	}
	if len(h.Skipped) != 1 || !h.Skipped[0].Forgotten || history.Damage(h.Skipped) != nil {
		t.Errorf("skipped: got %v, damage %v, want one that was forgotten", h.Skipped, history.Damage(h.Skipped))
	}
	f, err := history.Changes(t.Context(), r, w.snapshots, "SELECT a = 2 FROM t")
	if err != nil || w.place(f.First.Snapshot) != 2 || w.place(f.Before.Snapshot) != 0 || len(f.Skipped) != 1 {
		t.Errorf("find: got %+v, %v", f, err)
	}
}

// TestUnreadable looks for a row in bytes that are no database.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	w := newWorld(t, small())
	w.three(t)
	sound := w.images[2]
	garbage := []byte(strings.Repeat("no database. ", 1000))
	torn := slices.Clone(sound[:len(sound)-512])
	for name, b := range map[string][]byte{"Garbage": garbage, "Torn": torn} {
		w.takeBytes(t, "production", b)
		for _, list := range [][]*snapshot.Snapshot{w.snapshots, w.snapshots[:1]} {
			h, err := history.OfRow(t.Context(), w.repo, list, "t", one())
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if len(h.Skipped) == 0 || !errors.Is(history.Damage(h.Skipped), sqlite.ErrNotDatabase) && !errors.Is(history.Damage(h.Skipped), sqlite.ErrCorrupt) {
				t.Errorf("%s: skipped %v", name, h.Skipped)
			}
			if want := min(3, len(list)-len(h.Skipped)); len(h.Events) != want {
				t.Errorf("%s: %d events, want %d", name, len(h.Events), want)
			}
		}
	}
}

// TestCountersDoNotMatter finds that only the counters of the header differ, and that a wrong size in the header does matter.
func TestCountersDoNotMatter(t *testing.T) {
	t.Parallel()
	w := newWorld(t, small())
	w.exec(t, "CREATE TABLE t(id INTEGER PRIMARY KEY, a)", "INSERT INTO t VALUES (1, 0)", "CREATE TABLE other(a)")
	for range 5 {
		w.exec(t, "INSERT INTO other VALUES (zeroblob(3000))", "DELETE FROM other WHERE rowid % 2") // the file grows, and so does the freelist
		w.take(t, "production")
	}
	h, err := history.OfRow(t.Context(), w.repo, w.snapshots, "t", one())
	if err != nil {
		t.Fatal(err)
	}
	if h.Asked != 1 || w.kinds(h) != "0 present" {
		t.Errorf("got %d snapshots asked, events %s, want 1, 0 present", h.Asked, w.kinds(h))
	}
	wrong := slices.Clone(w.images[0])
	wrong[31]++ // the number of pages
	w.takeBytes(t, "production", wrong)
	w.takeBytes(t, "production", w.images[0])
	if h, err = history.OfRow(t.Context(), w.repo, w.snapshots, "t", one()); err != nil {
		t.Fatal(err)
	}
	if len(h.Skipped) != 1 || w.place(h.Skipped[0].Snapshot) != 5 {
		t.Errorf("skipped: got %v, want the snapshot with a wrong header", h.Skipped)
	}
}

// TestInterrupted ends a history with its context.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, small())
	w.three(t)
	ctx, cancel := context.WithCancel(t.Context())
	r := w.open(t, &hooked{w.store, cancel})
	if _, err := history.OfRow(ctx, r, w.snapshots, "t", one()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	never := func(history.TableEvent) error { return nil }
	if _, err := history.OfTable(ctx, r, w.snapshots, "t", never); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

// TestLargeValuesAreShared holds a large value once that stays the same.
func TestLargeValuesAreShared(t *testing.T) {
	t.Parallel()
	w := newWorld(t, repo.ChunkSizes{})
	w.exec(t, "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b)", "INSERT INTO t VALUES (1, 0, randomblob(1000000))")
	for i := range 3 {
		w.exec(t, fmt.Sprintf("UPDATE t SET a = %d", i))
		w.take(t, "production")
	}
	h, err := history.OfRow(t.Context(), w.repo, w.snapshots, "t", one())
	if err != nil {
		t.Fatal(err)
	}
	blob := func(e history.Event) *byte { return &e.Row[2].Value.([]byte)[0] }
	if len(h.Events) != 3 || blob(h.Events[0]) != blob(h.Events[1]) || blob(h.Events[1]) != blob(h.Events[2]) {
		t.Errorf("%d events: their blobs are not the same memory", len(h.Events))
	}
	if got := h.Events[2].Changed; len(got) != 1 || got[0] != (diff.FieldChange{Name: "a", Before: int64(1), After: int64(2)}) {
		t.Errorf("changed: got %v", got)
	}
}
