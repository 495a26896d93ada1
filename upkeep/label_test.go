package upkeep_test

import (
	"testing"
	"time"

	"firn/internal/sessiontest"
	"firn/snapshot"
	"firn/upkeep"
)

func TestLabel(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	taken := f.BackUp(t, 2, time.Hour)
	ctx := t.Context()
	for i, changed := range []bool{true, false} {
		l, err := upkeep.AddTags(ctx, f.Session, "latest", "release")
		if err != nil || l.Changed != changed || l.Snapshot.ID != taken[1].ID || !l.Snapshot.Tags.Has("release") {
			t.Errorf("add %d: got %+v, %v", i, l, err)
		}
	}
	if l, err := upkeep.RemoveTags(ctx, f.Session, taken[1].ID.String(), "release"); err != nil || !l.Changed || l.Snapshot.Tags.Has("release") {
		t.Errorf("remove: got %+v, %v", l, err)
	}
	for _, own := range []string{"pre-restore", "env_other", "two words, and a comma"} {
		if _, err := upkeep.AddTags(ctx, f.Session, "latest", own); err == nil {
			t.Errorf("%s: it was not refused", own)
		}
	}
	done, err := upkeep.Pin(ctx, f.Session, []string{taken[0].ID.String(), "latest:app"}, true)
	if err != nil || len(done) != 2 || !done[0].Changed || !done[1].Snapshot.Pinned {
		t.Errorf("pin: got %+v, %v", done, err)
	}
	if done, err := upkeep.Pin(ctx, f.Session, []string{"latest", "nonsense"}, false); err == nil || done != nil {
		t.Errorf("one that there is not: got %+v, %v", done, err)
	}
	all, err := f.Repo.Snapshots(ctx)
	if err != nil || len(pinned(all)) != 2 {
		t.Errorf("got %d pinned, %v", len(pinned(all)), err)
	}
}

func pinned(list []*snapshot.Snapshot) (found []*snapshot.Snapshot) {
	for _, s := range list {
		if s.Pinned {
			found = append(found, s)
		}
	}
	return found
}
