package verify_test

import (
	"testing"
	"time"

	"firn/snapshot"
	"firn/verify"
)

// TestDue checks when a database is due to be verified. A proof by what changed is no reason to put that off.
func TestDue(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	now := time.Date(2026, 3, 15, 3, 12, 0, 0, time.UTC)
	snap := func(proof, note *snapshot.Verification) *snapshot.Snapshot {
		s := &snapshot.Snapshot{Time: now, Images: []snapshot.Image{{Export: snapshot.ExportPages}}, Proof: proof, Verified: proof}
		if note != nil {
			s.Verified = note
		}
		return s
	}
	at := func(how string, ago time.Duration, problem string) *snapshot.Verification {
		return &snapshot.Verification{Time: now.Add(-ago), How: how, Problem: problem}
	}
	proven := &snapshot.Verification{Time: now, How: snapshot.HowDifference, Whole: now.Add(-day)}
	pages := at(snapshot.HowPages, time.Hour, "")
	drill := &snapshot.Verification{Time: now.Add(-time.Hour), How: snapshot.HowSQLite + snapshot.HowOwnSQL, Whole: now.Add(-6 * day)}
	for name, tt := range map[string]struct {
		history []*snapshot.Snapshot
		ownSQL  bool
		want    bool
	}{
		"Never":           {nil, false, true},
		"Proven":          {[]*snapshot.Snapshot{snap(proven, nil)}, false, true},
		"Pages":           {[]*snapshot.Snapshot{snap(nil, pages)}, false, true},
		"WeekOld":         {[]*snapshot.Snapshot{snap(proven, nil), snap(proven, at(snapshot.HowSQLite, 7*day-time.Minute, ""))}, false, true},
		"DaysOld":         {[]*snapshot.Snapshot{snap(proven, nil), snap(proven, at(snapshot.HowSQLite, 6*day, ""))}, false, false},
		"OwnSQL":          {[]*snapshot.Snapshot{snap(proven, nil), snap(proven, at(snapshot.HowSQLite, 25*time.Hour, ""))}, true, true},
		"Drilled":         {[]*snapshot.Snapshot{snap(proven, drill)}, true, false},
		"DrilledLongAgo":  {[]*snapshot.Snapshot{snap(proven, &snapshot.Verification{Time: now.Add(-time.Hour), How: snapshot.HowSQLite, Whole: now.Add(-8 * day)})}, true, true},
		"Unsound":         {[]*snapshot.Snapshot{snap(nil, at("restore", time.Hour, "damaged pack"))}, false, false},
		"UnsoundRecord":   {[]*snapshot.Snapshot{snap(at(snapshot.HowPages, time.Hour, "page 3"), nil)}, false, true},
		"ByAClockTooFast": {[]*snapshot.Snapshot{snap(nil, at(snapshot.HowSQLite, -time.Hour, ""))}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if due := verify.Due(tt.history, tt.ownSQL, time.Time{}, now); due.Before(now) != tt.want {
				t.Errorf("got %v at %v, want it due: %t", due, now, tt.want)
			}
		})
	}
	proven = at(snapshot.HowSQLite, 2*day, "")
	if due := verify.Due([]*snapshot.Snapshot{snap(nil, proven)}, true, now.Add(-time.Hour), now); due.Before(now) {
		t.Errorf("its SQL was run an hour ago: got %v at %v", due, now)
	}
}
