package snapshot_test

import (
	"testing"
	"time"

	"firn/snapshot"
)

// TestSound checks the meaning of latest-verified among newer snapshots that were also found
// sound but are in doubt.
func TestSound(t *testing.T) {
	t.Parallel()
	made := func(kind string, day int) *snapshot.Snapshot {
		s := &snapshot.Snapshot{
			ID: snapshot.NewID(), Time: time.Date(2026, 3, day, 0, 0, 0, 0, time.UTC), Environment: "p", Database: "p",
			Images: []snapshot.Image{{Export: "pages"}}, Verified: &snapshot.Verification{},
		}
		switch kind {
		case "stream":
			s.Images[0].Export = snapshot.ExportStream
		case "suspect":
			s.Suspect = []string{"it has no rows"}
		case "suspect stream":
			s.Images[0].Export, s.Suspect = snapshot.ExportStream, []string{"it is no database"}
		case "failed":
			s.Verified.Problem = "broken"
		case "other":
			s.Database, s.Images[0].Export = "q", snapshot.ExportStream
		}
		return s
	}
	for name, tt := range map[string]struct {
		kinds []string // oldest first
		want  int      // an index; below zero for none
	}{
		"Databases":          {[]string{"database", "database"}, 1},
		"Suspect":            {[]string{"database", "suspect"}, 0},
		"SuspectAlone":       {[]string{"suspect"}, -1},
		"Stream":             {[]string{"database", "stream", "stream"}, 0},
		"StreamFirst":        {[]string{"stream", "database"}, 1},
		"StreamBesideFailed": {[]string{"failed", "stream"}, -1},
		"SuspectStream":      {[]string{"database", "suspect stream"}, 0},
		"Streams":            {[]string{"stream", "stream"}, 1},
		"OtherSeries":        {[]string{"database", "other"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var list []*snapshot.Snapshot
			for i, kind := range tt.kinds {
				list = append(list, made(kind, i+1))
			}
			got, err := snapshot.Find(list, "latest-verified:p", nil)
			if tt.want < 0 && err == nil || tt.want >= 0 && (err != nil || got != list[tt.want]) {
				t.Errorf("got %v, %v, want number %d", got, err, tt.want)
			}
		})
	}
}

// TestSoundWithoutImages uses snapshots as in a simulation, for which only the time is known.
func TestSoundWithoutImages(t *testing.T) {
	t.Parallel()
	list := []*snapshot.Snapshot{{Environment: "e", Database: "d"}, {Environment: "e", Database: "d", Verified: &snapshot.Verification{}}}
	if got := snapshot.Sound(list); len(got) != 1 || got[0] != list[1] {
		t.Errorf("got %v, want the one that was verified", got)
	}
}
