package upkeep

import (
	"testing"
	"time"

	"firn/snapshot"
)

// TestStateClock checks snapshots that are newer than now. Another clock has dated them,
// so their age says nothing.
func TestStateClock(t *testing.T) {
	t.Parallel()
	const future, fresh, stale = time.Hour, -time.Minute, -time.Hour - time.Second
	for _, tt := range []struct {
		ahead []time.Duration
		want  Condition
		n     int // snapshots ahead
	}{
		{[]time.Duration{snapshot.ClockTolerance}, OK, 0},
		{[]time.Duration{snapshot.ClockTolerance + time.Second}, Future, 1},
		{[]time.Duration{-time.Hour}, OK, 0},
		{[]time.Duration{stale}, Stale, 0},
		{[]time.Duration{future, fresh}, Future, 1},
		{[]time.Duration{2 * future, future, stale}, Stale, 2},
	} {
		st, now := &State{MaxAge: time.Hour}, time.Date(2026, 3, 15, 3, 12, 0, 0, time.UTC)
		var history []*snapshot.Snapshot
		for _, d := range tt.ahead {
			history = append(history, &snapshot.Snapshot{Time: now.Add(d), Images: []snapshot.Image{{}}})
		}
		st.read(history, now)
		if st.Condition != tt.want || len(st.Ahead) != tt.n {
			t.Errorf("%v ahead: got %s with %d ahead, want %s with %d", tt.ahead, st.Condition, len(st.Ahead), tt.want, tt.n)
		}
	}
}

// TestStateVerified checks that the newest verified snapshot decides on the state, and an
// older one does not.
func TestStateVerified(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 15, 3, 12, 0, 0, time.UTC)
	sound, failed := &snapshot.Verification{Time: now}, &snapshot.Verification{Time: now.Add(time.Minute), Problem: "row 1 is missing"}
	for _, tt := range []struct {
		name    string
		history []*snapshot.Verification // newest first
		want    Condition
	}{
		{"Never", []*snapshot.Verification{nil}, OK},
		{"Sound", []*snapshot.Verification{sound}, OK},
		{"Failed", []*snapshot.Verification{failed}, Unsound},
		{"FailedBefore", []*snapshot.Verification{nil, nil, failed, sound}, Unsound},
		{"SoundSince", []*snapshot.Verification{nil, sound, failed}, OK},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var history []*snapshot.Snapshot
			for i, v := range tt.history {
				history = append(history, &snapshot.Snapshot{Time: now.Add(time.Duration(-i) * time.Minute), Images: []snapshot.Image{{}}, Verified: v})
			}
			st := &State{MaxAge: time.Hour}
			if st.read(history, now); st.Condition != tt.want {
				t.Errorf("got %s, want %s", st.Condition, tt.want)
			}
		})
	}
}

// TestStateChecked checks when all pages count as checked, and that a proof of the newest snapshot does not hide what a
// verification has found before it.
func TestStateChecked(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 15, 3, 12, 0, 0, time.UTC)
	at := func(hours time.Duration) time.Time { return now.Add(-hours * time.Hour) }
	proof := func(hours time.Duration, problem string) *snapshot.Snapshot {
		v := &snapshot.Verification{Time: now, How: snapshot.HowDifference, Whole: at(hours), Problem: problem}
		return &snapshot.Snapshot{Time: now, Images: []snapshot.Image{{}}, Proof: v, Verified: v}
	}
	note := func(how string, hours time.Duration, problem string) *snapshot.Snapshot {
		return &snapshot.Snapshot{Time: at(hours), Images: []snapshot.Image{{}}, Verified: &snapshot.Verification{Time: at(hours), How: how, Problem: problem}}
	}
	for name, tt := range map[string]struct {
		history           []*snapshot.Snapshot // newest first
		want              Condition
		checked, bySQLite time.Time
	}{
		"Proven":     {[]*snapshot.Snapshot{proof(5, "")}, OK, at(5), time.Time{}},
		"BySQLite":   {[]*snapshot.Snapshot{proof(5, ""), note(snapshot.HowSQLite, 5, "")}, OK, at(5), at(5)},
		"PagesSince": {[]*snapshot.Snapshot{proof(2, ""), note(snapshot.HowPages, 2, ""), note(snapshot.HowSQLite, 5, "")}, OK, at(2), at(5)},
		"Record":     {[]*snapshot.Snapshot{proof(5, "page 3"), proof(5, "")}, Unsound, at(5), time.Time{}},
		"Unsettled":  {[]*snapshot.Snapshot{proof(5, ""), note(snapshot.HowSQLite, 5, "page 3")}, Unsound, at(5), at(5)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := &State{MaxAge: 24 * time.Hour}
			if st.read(tt.history, now); st.Condition != tt.want || !st.Checked.Equal(tt.checked) || !st.BySQLite.Equal(tt.bySQLite) {
				t.Errorf("got %s, checked %v, by SQLite %v, want %s, %v, %v", st.Condition, st.Checked, st.BySQLite, tt.want, tt.checked, tt.bySQLite)
			}
		})
	}
}
