package cmd

import (
	"testing"
	"time"

	"firn/snapshot"
)

// A snapshot that is newer than now was taken under another clock: its age says nothing.
func TestStateClock(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 15, 3, 12, 0, 0, time.UTC)
	for _, tt := range []struct {
		ahead time.Duration
		want  string
	}{
		{clockTolerance, stateOK},
		{clockTolerance + time.Second, stateFuture},
		{-time.Hour, stateOK},
		{-time.Hour - time.Second, stateStale},
	} {
		st := &state{maxAge: time.Hour}
		st.read([]*snapshot.Snapshot{{Time: now.Add(tt.ahead), Images: []snapshot.Image{{}}}}, now)
		if st.State != tt.want {
			t.Errorf("%v ahead: got %s, want %s", tt.ahead, st.State, tt.want)
		}
	}
}
