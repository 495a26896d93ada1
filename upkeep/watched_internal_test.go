package upkeep

import (
	"testing"
	"time"

	"firn/repo"
	"firn/session"
	"firn/snapshot"
)

// TestWatched judges databases by what watches say of them.
func TestWatched(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 30, 14, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	here := func(stored, confirmed time.Duration, gone bool) []session.WatchState {
		return []session.WatchState{{
			PID: 7, Time: ago(stored), Confirmed: ago(confirmed), Confirm: time.Minute, Gone: gone,
			Databases: []session.WatchedDatabase{{Environment: "app", Database: "app", Every: 10 * time.Second, Stored: ago(stored), State: "watched"}},
		}}
	}
	alive := func(whole, own time.Duration) []repo.Alive {
		a := repo.Alive{Host: "far", Time: ago(whole), Watched: []repo.AliveSeries{{Environment: "app", Database: "app"}}}
		if own > 0 {
			a.Watched[0].Time = ago(own)
		}
		return []repo.Alive{a}
	}
	for name, tt := range map[string]struct {
		newest time.Duration
		here   []session.WatchState
		alive  []repo.Alive
		want   Condition
		behind time.Duration // -1: no watch
	}{
		"None":           {2 * time.Hour, nil, nil, Stale, -1},
		"Fresh":          {2 * time.Hour, here(3*time.Second, 30*time.Second, false), nil, OK, 3 * time.Second},
		"Behind":         {0, here(2*time.Minute, 0, false), nil, Stale, 2 * time.Minute},
		"Unconfirmed":    {0, here(3*time.Second, 3*time.Minute, false), nil, Stale, 3 * time.Second},
		"Gone":           {10 * time.Minute, here(5*time.Minute, 0, true), nil, Stale, 5 * time.Minute},
		"GoneAndNewer":   {2 * time.Minute, here(5*time.Minute, 0, true), nil, OK, -1},
		"Alive":          {30 * time.Hour, nil, alive(40*time.Minute, 0), OK, 40 * time.Minute},
		"AliveLongAgo":   {30 * time.Hour, nil, alive(2*time.Hour, 0), Stale, 2 * time.Hour},
		"AliveButBehind": {30 * time.Hour, nil, alive(time.Minute, 3*time.Hour), Stale, 3 * time.Hour},
		"OfTheFuture":    {2 * time.Hour, nil, alive(-time.Hour, 0), Stale, -1},
		"HereFirst":      {2 * time.Hour, here(3*time.Second, 0, false), alive(time.Second, 0), OK, 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := State{Environment: "app", Database: "app", MaxAge: time.Hour, Newest: &snapshot.Snapshot{Time: ago(tt.newest)}, Age: tt.newest}
			for _, a := range tt.alive {
				st.readAlive(a, a.Watched[0], now)
			}
			for _, all := range tt.here {
				if st.counts(all) {
					st.readHere(all, all.Databases[0], now)
				}
			}
			st.weigh(now)
			behind := time.Duration(-1)
			if st.Watch != nil {
				behind = st.Watch.Behind(now)
			}
			if st.Condition != tt.want || behind != tt.behind {
				t.Errorf("got %s, %v behind, want %s, %v behind", st.Condition, behind, tt.want, tt.behind)
			}
		})
	}
}
