package snapshot_test

import (
	"maps"
	"slices"
	"testing"

	"firn/snapshot"
)

// TestBySeries groups snapshots whose environment and database, joined, make the same text.
func TestBySeries(t *testing.T) {
	t.Parallel()
	names := []snapshot.Series{{"b", "a"}, {"a", "b"}, {"a", "bc"}, {"ab", "c"}, {"a", "b"}, {"b", "a"}}
	var list []*snapshot.Snapshot
	for _, n := range names {
		list = append(list, &snapshot.Snapshot{ID: snapshot.NewID(), Environment: n.Environment, Database: n.Database})
	}
	got := snapshot.BySeries(list)
	for series, want := range map[snapshot.Series][]*snapshot.Snapshot{
		{"b", "a"}: {list[0], list[5]}, {"a", "b"}: {list[1], list[4]}, {"a", "bc"}: {list[2]}, {"ab", "c"}: {list[3]},
	} {
		if !slices.Equal(got[series], want) {
			t.Errorf("%v: got %v, want %v", series, got[series], want)
		}
	}
	sorted := slices.SortedFunc(maps.Keys(got), snapshot.Series.Compare)
	if want := []snapshot.Series{{"a", "b"}, {"a", "bc"}, {"ab", "c"}, {"b", "a"}}; !slices.Equal(sorted, want) {
		t.Errorf("got %v, want %v", sorted, want)
	}
}

// TestLastSequence checks that the number of a forgotten snapshot counts, and that numbers count
// only in their series.
func TestLastSequence(t *testing.T) {
	t.Parallel()
	a, b := snapshot.Series{Environment: "a", Database: "app"}, snapshot.Series{Environment: "b", Database: "app"}
	list := []*snapshot.Snapshot{
		{Environment: "a", Database: "app", Sequence: 4},
		{Environment: "a", Database: "app", Sequence: 3, Forgotten: &snapshot.Forgot{Sequence: 7}},
		{Environment: "a", Database: "other", Sequence: 9},
	}
	if got := a.LastSequence(list); got != 7 {
		t.Errorf("got %d, want 7", got)
	}
	if got := a.LastSequence(list[:1]); got != 4 {
		t.Errorf("got %d, want 4", got)
	}
	if got := b.LastSequence(list); got != 0 {
		t.Errorf("got %d, want 0", got)
	}
}
