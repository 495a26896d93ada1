package web

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"firn/snapshot"
	"firn/upkeep"
)

func TestNextRun(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	newest := &snapshot.Snapshot{ID: snapshot.NewID(), Time: now.Add(-time.Hour), Images: []snapshot.Image{{}}}
	watch := func(change func(*upkeep.Watch)) *upkeep.Watch {
		w := &upkeep.Watch{PID: 7, Every: 10 * time.Second, Stored: now.Add(-time.Second)}
		change(w)
		return w
	}
	for name, tt := range map[string]struct {
		watch              *upkeep.Watch
		next, usual, fresh string
	}{
		"Cron":    {nil, "unknown", "usually every 12 min", ""},
		"Watched": {watch(func(*upkeep.Watch) {}), "within 10 s", "", "fresh"},
		"Gone":    {watch(func(w *upkeep.Watch) { w.Gone = true }), "unknown", "usually every 12 min", "fresh"},
		"Behind":  {watch(func(w *upkeep.Watch) { w.Stale, w.Stored = true, now.Add(-2*time.Hour) }), "unknown", "usually every 12 min", ""},
		"Silent":  {watch(func(w *upkeep.Watch) { w.PID, w.Stored = 0, now.Add(-72*time.Hour) }), "unknown", "usually every 12 min", ""},
	} {
		row := newHomeRow(upkeep.State{Newest: newest, Watch: tt.watch, Rhythm: 12 * time.Minute}, nil, now)
		if row.Next != tt.next || row.Usual != tt.usual || row.Fresh != (tt.fresh == "fresh") {
			t.Errorf("%s: got %q, %q, %v", name, row.Next, row.Usual, row.Fresh)
		}
	}
}

func TestRemarks(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	away := &upkeep.Watch{Host: "db1", Store: "connection refused", Spool: 2048, Away: now.Add(-5 * time.Minute)}
	st := &upkeep.Status{Damage: errors.New("record x"), States: []upkeep.State{{Watch: away}, {Watch: away}, {}, {Watch: &upkeep.Watch{}}}}
	want := []string{
		"Some snapshots cannot be read: record x",
		"The watch on db1 has not reached the repository for 5 min, and 2.0 KiB wait there: connection refused",
	}
	if got := remarks(st, now); !slices.Equal(got, want) {
		t.Errorf("got %s, want %s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
