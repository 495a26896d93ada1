package watch

import (
	"testing"
	"time"

	"firn/internal/sessiontest"
	"firn/session"
	"firn/snapshot"
)

// TestDueLongest checks which database a watch verifies: proofs by what changed, of which each round makes some, put nothing off.
func TestDueLongest(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "[env.other]\ndatabase = \"other.db\"\nverify = \"SELECT 1 WHERE 0\"\n")
	now := f.Clock
	proven := func(env string) *snapshot.Snapshot {
		v := &snapshot.Verification{Time: now, How: snapshot.HowDifference, Whole: now.Add(-time.Hour)}
		return &snapshot.Snapshot{ID: snapshot.NewID(), Time: now, Environment: env, Database: env, Images: []snapshot.Image{{}}, Proof: v, Verified: v}
	}
	checked := func(env string, ago time.Duration) *snapshot.Snapshot {
		s := proven(env)
		s.Time = now.Add(-ago)
		s.Verified = &snapshot.Verification{Time: s.Time, How: snapshot.HowSQLite}
		return s
	}
	const day = 24 * time.Hour
	for name, tt := range map[string]struct {
		list []*snapshot.Snapshot // newest first
		ran  time.Duration        // ago, the own SQL of other; 0 for never
		want string
	}{
		"None":        {nil, 0, ""},
		"Never":       {[]*snapshot.Snapshot{proven("app")}, 0, "app"},
		"Checked":     {[]*snapshot.Snapshot{proven("app"), checked("app", 2*day)}, 0, ""},
		"WeekAgo":     {[]*snapshot.Snapshot{proven("app"), checked("app", 7*day)}, 0, "app"},
		"OwnSQL":      {[]*snapshot.Snapshot{proven("app"), proven("other"), checked("app", 2*day), checked("other", 2*day)}, 0, "other"},
		"OwnSQLAgain": {[]*snapshot.Snapshot{proven("other"), checked("other", 2*day)}, time.Hour, ""},
		"Longest":     {[]*snapshot.Snapshot{proven("app"), proven("other"), checked("other", 2*day), checked("app", 20*day)}, 0, "app"},
		"Unknown":     {[]*snapshot.Snapshot{proven("gone")}, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := verifier{}
			if tt.ran > 0 {
				v[snapshot.Series{Environment: "other", Database: "other"}] = now.Add(-tt.ran)
			}
			got := v.dueLongest(&session.Catalog{Session: f.Session, All: tt.list}, now)
			if env := environmentOf(got); env != tt.want || got != nil && got.Noted() {
				t.Errorf("got %q, want %q", env, tt.want)
			}
		})
	}
}

func environmentOf(s *snapshot.Snapshot) string {
	if s == nil {
		return ""
	}
	return s.Environment
}
