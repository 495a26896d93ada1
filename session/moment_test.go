package session_test

import (
	"errors"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // provides the zone below on every machine

	"firn/backup"
	"firn/internal/sessiontest"
	"firn/outcome"
	"firn/session"
	"firn/snapshot"
	"firn/tags"
)

func TestParseMoment(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 15, 3, 12, 5, 500_000_000, time.UTC)
	c := &session.Caller{Now: func() time.Time { return now }, Zone: time.FixedZone("CET", 3600)}
	for text, want := range map[string]string{
		"2026-03-15T03:12:05.25": "2026-03-15T02:12:05.25Z", "2026-03-15 03:12": "2026-03-15T02:12:00Z", "2026-03-15": "2026-03-14T23:00:00Z",
		"2026-03-15T03:12:05Z": "2026-03-15T03:12:05Z",
		"-90s":                 "2026-03-15T03:10:35.5Z", "-0.5s": "2026-03-15T03:12:05Z", "-1w2d": "2026-03-06T03:12:05.5Z", "-0": "2026-03-15T03:12:05.5Z",
		"10m ago": "2026-03-15T03:02:05.5Z", "2hago": "2026-03-15T01:12:05.5Z",
	} {
		if got, err := c.ParseMoment(text); err != nil || got.UTC().Format(time.RFC3339Nano) != want {
			t.Errorf("%q: got %v, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-", "ago", "90s", "--90s", "-90s ago", "-3months", "+90s", "now", "latest", "03:12"} {
		got, err := c.ParseMoment(text)
		if code, _ := outcome.Classify(err); code != outcome.CodeUsage {
			t.Errorf("%q: got %v, %v, want a mistake in the call", text, got, err)
		}
	}
}

func TestSplitMoment(t *testing.T) {
	t.Parallel()
	for ref, want := range map[string][2]string{
		"@2026": {"", "2026"}, "production@2026-03-15 03:12": {"production", "2026-03-15 03:12"}, "production@-90s": {"production", "-90s"},
		"ops@host@10m ago": {"ops@host", "10m ago"},
	} {
		if environment, moment, ok := session.SplitMoment(ref); !ok || [2]string{environment, moment} != want || session.AtMoment(environment, moment) != ref {
			t.Errorf("%s: got %q and %q, %v", ref, environment, moment, ok)
		}
	}
	for _, ref := range []string{"", "@", "2026", "ops@host", "production@latest", "production@", "latest:ops@2026", "latest-verified:ops@2026"} {
		if environment, moment, ok := session.SplitMoment(ref); ok {
			t.Errorf("%s: got %q and %q, want none", ref, environment, moment)
		}
	}
}

func TestWhenFolded(t *testing.T) {
	t.Parallel()
	amsterdam, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		t.Fatal(err)
	}
	c := &session.Caller{Zone: amsterdam}
	for want, of := range map[string][2]time.Time{
		"2026-11-30 14:00 - 14:59 CET":       {time.Date(2026, 11, 30, 13, 0, 5, 0, time.UTC), time.Date(2026, 11, 30, 13, 59, 55, 0, time.UTC)},
		"2026-11-30 14:00:05 - 14:00:55 CET": {time.Date(2026, 11, 30, 13, 0, 5, 0, time.UTC), time.Date(2026, 11, 30, 13, 0, 55, 0, time.UTC)},
		"2026-10-25 00:00 CEST - 23:59 CET":  {time.Date(2026, 10, 24, 22, 0, 5, 0, time.UTC), time.Date(2026, 10, 25, 22, 59, 55, 0, time.UTC)},
	} {
		if got := c.WhenFolded(snapshot.Fold{{Time: of[1]}, {Time: of[0]}}); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	s := &snapshot.Snapshot{Time: time.Date(2026, 11, 30, 13, 0, 5, 0, time.UTC)}
	if got, want := c.WhenTaken(s), "2026-11-30 14:00 CET"; got != want {
		t.Errorf("a record of its own: got %s, want %s", got, want)
	}
	s.Round = snapshot.NewID()
	if got, want := c.WhenTaken(s), "2026-11-30 14:00:05 CET"; got != want {
		t.Errorf("a round: got %s, want %s", got, want)
	}
}

func TestWithMoments(t *testing.T) {
	t.Parallel()
	words := strings.Fields
	for name, tt := range map[string]struct {
		moments, args []string
		takes         int
		want          string
	}{
		"Dump":            {words("2026"), nil, 1, "@2026"},
		"DumpEnvironment": {words("2026"), words("demo"), 1, "demo@2026"},
		"Query":           {words("2026"), words("SELECT"), 2, "@2026 SELECT"},
		"QueryOfOne":      {words("2026"), words("demo SELECT"), 2, "demo@2026 SELECT"},
		"DiffMoments":     {words("2026 -5m"), nil, 2, "@2026 @-5m"},
		"DiffOfOne":       {words("2026 -5m"), words("demo"), 2, "demo@2026 demo@-5m"},
		"DiffWithOther":   {words("2026"), words("latest:demo"), 2, "@2026 latest:demo"},
		"DiffOfOneOther":  {words("2026"), words("demo latest:demo"), 2, "demo@2026 latest:demo"},
		"TooFew":          {words("2026"), nil, 2, "@2026"},
		"TooMany":         {words("2026"), words("a b"), 1, "@2026 a b"},
		"NoMoments":       {nil, words("a b"), 1, "a b"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(session.WithMoments(tt.moments, tt.args, tt.takes), " "); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestAt looks for snapshots in a repository with some that a moment does not mean.
func TestAt(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	taken := f.BackUp(t, 3, 10*time.Second)
	replaced := f.BackUp(t, 1, 10*time.Second)[0]
	ahead := f.Take(t, backup.Options{Time: f.Clock.Add(4 * time.Minute)})
	f.Clock = f.Clock.Add(-2 * time.Minute) // so that it is 6 minutes ahead, and the others are 2
	known := f.Catalog(t)
	session.ByID(known.All)[replaced.ID.String()].Tags = tags.Set{"pre-restore"}
	for name, tt := range map[string]struct {
		filter snapshot.Filter
		at     time.Time
		want   *snapshot.Snapshot // nil for none
	}{
		"Exactly":       {snapshot.Filter{}, taken[1].Time, taken[1]},
		"Earlier":       {snapshot.Filter{}, taken[1].Time.Add(-time.Microsecond), taken[0]},
		"BeforeAll":     {snapshot.Filter{}, taken[0].Time.Add(-time.Microsecond), nil},
		"NotPreRestore": {snapshot.Filter{}, replaced.Time, taken[2]},
		"PreRestore":    {snapshot.Filter{Tags: tags.Filter{{"pre-restore"}}}, replaced.Time, replaced},
		"NotAhead":      {snapshot.Filter{Environment: "app"}, ahead.Time, taken[2]},
		"NoSuch":        {snapshot.Filter{Environment: "demo"}, ahead.Time, nil},
		"NoSuchTag":     {snapshot.Filter{Tags: tags.Filter{{"nightly"}}}, ahead.Time, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := known.At(tt.filter, tt.at)
			if tt.want == nil && errors.Is(err, snapshot.ErrNotFound) && got == nil {
				return
			}
			if err != nil || tt.want == nil || got.ID != tt.want.ID {
				t.Errorf("got %v, %v, want %v", got, err, tt.want)
			}
		})
	}
	if got := f.Warned(); len(got) != 1 {
		t.Errorf("warnings: got %q, want one of the snapshot of a time to come", got)
	}
}
