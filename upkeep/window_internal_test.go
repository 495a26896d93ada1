package upkeep

import (
	"testing"
	"time"

	"firn/snapshot"
)

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func before(d time.Duration) time.Time { return noon.Add(-d) }

// chain is a history of snapshots of some ages, the newest first, each of which names the one before.
func chain(ages ...time.Duration) []*snapshot.Snapshot {
	history := make([]*snapshot.Snapshot, len(ages))
	for i, age := range ages {
		history[i] = &snapshot.Snapshot{ID: snapshot.NewID(), Time: before(age), Images: []snapshot.Image{{}}}
		if i > 0 {
			history[i-1].Previous = history[i].ID
		}
	}
	return history
}

func TestWindow(t *testing.T) {
	t.Parallel()
	const second, minute, hour = time.Second, time.Minute, time.Hour
	for name, tt := range map[string]struct {
		since, stored time.Duration // ages of what the watch says
		history       []*snapshot.Snapshot
		removed       int // the snapshot before this one is not there any more; 0 for none
		from          time.Duration
		ok            bool
	}{
		"FromItsBeginning":     {hour, second, chain(minute, 10*minute, 2*hour), 0, hour, true},
		"FromTheFirst":         {hour, second, chain(minute, 10*minute), 0, 10 * minute, true},
		"UpToWhatIsRemoved":    {hour, second, chain(minute, 10*minute, 20*minute), 1, minute, true},
		"UpToAnOlderRemoval":   {hour, second, chain(minute, 10*minute, 20*minute), 2, 10 * minute, true},
		"OfTheNewestAlone":     {hour, second, chain(2 * hour), 0, hour, true},
		"NothingStored":        {hour, 0, chain(minute), 0, 0, false},
		"NewerThanTheWatch":    {hour, 5 * minute, chain(minute), 0, 0, false},
		"NoSnapshot":           {hour, second, nil, 0, 0, false},
		"TheNewestOfTheFuture": {hour, second, chain(-hour, minute, 10*minute), 0, 10 * minute, true},
	} {
		st := State{Watch: &Watch{Since: before(tt.since), Stored: before(tt.stored)}}
		if tt.stored == 0 {
			st.Watch.Stored = time.Time{}
		}
		if tt.removed > 0 {
			tt.history[tt.removed-1].Previous = snapshot.NewID()
		}
		got, ok := st.Window(tt.history, noon)
		want := Span{before(tt.from), before(tt.stored)}
		if ok != tt.ok || ok && got != want {
			t.Errorf("%s: got %v, %v, want %v, %v", name, got, ok, want, tt.ok)
		}
	}
	if _, ok := (&State{}).Window(chain(time.Minute), noon); ok {
		t.Error("a database that is not watched has a window")
	}
}

func TestHoles(t *testing.T) {
	t.Parallel()
	const hour, day = time.Hour, 24 * time.Hour
	st := State{MaxAge: day, Age: hour}
	history := chain(hour, 2*hour, 4*day, 5*day, 10*day, 20*day)
	history[3].Previous = snapshot.NewID() // removed since
	history[4].Round = snapshot.NewID()    // of a watch
	got := st.Holes(history, noon)
	if len(got) != 1 || got[0] != (Span{before(4 * day), before(2 * hour)}) {
		t.Errorf("got %v", got)
	}
	st.Age = 3 * day
	if got = st.Holes(chain(3*day, 3*day+hour), noon); len(got) != 1 || got[0] != (Span{before(3 * day), noon}) {
		t.Errorf("up to now: got %v", got)
	}
	if got = st.Holes(nil, noon); got != nil {
		t.Errorf("no snapshot: got %v", got)
	}
}

func TestRhythm(t *testing.T) {
	t.Parallel()
	const minute = time.Minute
	for name, tt := range map[string]struct {
		history []*snapshot.Snapshot
		want    time.Duration
	}{
		"None":    {nil, 0},
		"TwoOnly": {chain(0, minute), 0},
		"Even":    {chain(0, 10*minute, 20*minute, 30*minute), 10 * minute},
		"OneLate": {chain(0, 10*minute, 20*minute, 500*minute, 510*minute), 10 * minute},
	} {
		if got := rhythm(tt.history); got != tt.want {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
	}
}

func TestWatchRuns(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		watch Watch
		want  bool
	}{
		"Here":       {Watch{PID: 7, Stored: before(time.Hour)}, true},
		"HereBehind": {Watch{PID: 7, Stored: before(time.Second), Stale: true}, false},
		"HereGone":   {Watch{PID: 7, Stored: before(time.Second), Gone: true}, false},
		"Far":        {Watch{Stored: before(time.Hour)}, true},
		"FarSilent":  {Watch{Stored: before(4 * time.Hour)}, false},
	} {
		if got := tt.watch.Runs(noon); got != tt.want {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
	}
}
