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

// verdict is how a snapshot of a series is found: by the run that took it, or by a verification afterwards.
func verdict(word string, day int) *snapshot.Snapshot {
	s := &snapshot.Snapshot{
		ID: snapshot.NewID(), Time: time.Date(2026, 3, day, 0, 0, 0, 0, time.UTC), Environment: "p", Database: "p",
		Images: []snapshot.Image{{Export: "pages"}},
	}
	switch word {
	case "proven":
		s.Proof = &snapshot.Verification{How: snapshot.HowDifference}
		s.Verified = s.Proof
	case "unproven":
		s.Proof = &snapshot.Verification{How: snapshot.HowPages, Problem: "page 3"}
		s.Verified = s.Proof
	case "sound":
		s.Verified = &snapshot.Verification{How: snapshot.HowPages + snapshot.HowOwnSQL}
	case "sound copy":
		s.Proof = &snapshot.Verification{How: snapshot.HowSQLite + snapshot.HowOwnSQL}
		s.Verified = s.Proof
	case "checked":
		s.Verified = &snapshot.Verification{How: snapshot.HowSQLite}
	case "bad row":
		s.Verified = &snapshot.Verification{How: snapshot.HowDifference + snapshot.HowOwnSQL, Problem: "bad row"}
	case "bad page":
		s.Verified = &snapshot.Verification{How: snapshot.HowSQLite, Problem: "page 3"}
	case "lost":
		s.Verified = &snapshot.Verification{How: "restore", Problem: "damaged pack"}
	}
	return s
}

// TestUnsettled checks that a proof does not take back what a verification has found.
func TestUnsettled(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		verdicts []string // oldest first
		want     int      // the one that latest-verified means; below zero for none
	}{
		"Proven":        {[]string{"proven", "proven"}, 1},
		"Rows":          {[]string{"proven", "bad row", "proven", "proven"}, 0},
		"SQLite":        {[]string{"sound", "bad page", "proven"}, 0},
		"None":          {[]string{"bad row", "proven"}, -1},
		"VerifiedSince": {[]string{"bad row", "proven", "sound", "proven"}, 3},
		"Again":         {[]string{"bad row", "sound", "bad row", "proven"}, 1},
		"PagesSince":    {[]string{"sound", "bad page", "sound", "proven"}, 0},
		"SQLiteSince":   {[]string{"sound", "bad page", "checked", "proven"}, 3},
		"Copied":        {[]string{"bad row", "proven", "sound copy", "proven"}, 3},
		"ByTheRun":      {[]string{"unproven", "proven"}, 1},
		"Lost":          {[]string{"lost", "proven"}, 1},
		"Unknown":       {[]string{"proven", "bad row", "", ""}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var list []*snapshot.Snapshot
			for i, word := range tt.verdicts {
				list = append(list, verdict(word, i+1))
			}
			other := verdict("proven", 9)
			other.Database = "q"
			sound := snapshot.Sound(append(list, other))
			got, err := snapshot.Find(list, "latest-verified:p", nil)
			if tt.want < 0 && err == nil || tt.want >= 0 && (err != nil || got != list[tt.want]) {
				t.Errorf("got %v, %v, want number %d", got, err, tt.want)
			}
			if len(sound) == 0 || sound[len(sound)-1] != other {
				t.Errorf("a snapshot of another series counts: got %v", sound)
			}
		})
	}
}
