package snapshot_test

import (
	"testing"
	"time"

	"firn/snapshot"
)

// TestLastUpkeep checks that each time is the latest one among the snapshots.
func TestLastUpkeep(t *testing.T) {
	t.Parallel()
	later := noted.Add(time.Hour)
	got := snapshot.LastUpkeep([]*snapshot.Snapshot{
		{},
		{Upkeep: &snapshot.Upkeep{Time: later, Pruned: later}},
		{Upkeep: &snapshot.Upkeep{Time: noted, Pruned: noted, Checked: noted}},
	})
	if want := (snapshot.Upkeep{Time: later, Pruned: later, Checked: noted}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
