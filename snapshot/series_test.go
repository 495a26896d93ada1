package snapshot_test

import (
	"maps"
	"slices"
	"testing"

	"firn/snapshot"
)

// TestBySeries groups snapshots whose names, put together, would be the same.
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
