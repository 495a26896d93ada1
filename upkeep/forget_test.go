package upkeep_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"firn/config"
	"firn/internal/sessiontest"
	"firn/outcome"
	"firn/retention"
	"firn/snapshot"
	"firn/upkeep"
)

// keepLast is the rule that the last snapshots stay.
func keepLast(n int) *config.Keep {
	return &config.Keep{Last: &config.Count{Count: retention.Count(n)}}
}

func TestForget(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	taken := f.BackUp(t, 4, time.Hour)
	if _, err := upkeep.Pin(t.Context(), f.Session, []string{taken[0].ID.String()}, true); err != nil {
		t.Fatal(err)
	}
	rules := upkeep.ForgetOptions{Names: []string{"app"}, Keep: keepLast(2), DryRun: true}
	for _, rules.DryRun = range []bool{true, false} {
		result, err := upkeep.Forget(t.Context(), f.Session, rules)
		if err != nil || result.Removed != 1 || result.Left != 3 || len(result.Decisions) != 4 {
			t.Fatalf("dry run %t: got %+v, %v", rules.DryRun, result, err)
		}
		for _, d := range result.Decisions {
			if d.Keep != (d.Snapshot.ID != taken[1].ID) || d.Keep != (len(d.Reasons) > 0) {
				t.Errorf("%s: kept %t for %q", d.Snapshot.ID.Short(), d.Keep, d.Reasons)
			}
		}
	}
	id := taken[0].ID.String()
	result, err := upkeep.Forget(t.Context(), f.Session, upkeep.ForgetOptions{Names: []string{id, id[:8]}}) // a pin keeps no snapshot that is named
	if err != nil || result.Removed != 1 || result.Left != 2 {
		t.Errorf("by ID: got %+v, %v", result, err)
	}
	_, err = upkeep.Forget(t.Context(), f.Session, upkeep.ForgetOptions{Names: []string{taken[3].ID.String()}, Keep: keepLast(1)})
	if code, _ := outcome.Classify(err); code != outcome.CodeUsage {
		t.Errorf("rules for an ID: got %v", err)
	}
}

func TestSimulate(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	taken := f.BackUp(t, 1, time.Hour)
	if _, err := upkeep.Pin(t.Context(), f.Session, []string{taken[0].ID.String()}, true); err != nil {
		t.Fatal(err)
	}
	o := upkeep.SimulateOptions{Environment: "app", Keep: keepLast(3), Span: 48 * time.Hour, Every: time.Hour}
	result, err := upkeep.Simulate(t.Context(), f.Session, o)
	if err != nil || len(result.Keep) != 4 || !result.End.Equal(f.Clock.Add(o.Span)) {
		t.Fatalf("got %+v, %v", result, err)
	}
	for i, k := range result.Keep {
		if k.ToCome != (i < 3) || !k.Keep {
			t.Errorf("%d of %s: to come %t, kept %t", i, k.Snapshot.Time, k.ToCome, k.Keep)
		}
	}
	for _, every := range []time.Duration{0, -time.Hour, 49 * time.Hour} {
		o.Every = every
		if _, err := upkeep.Simulate(t.Context(), f.Session, o); err == nil {
			t.Errorf("every %s: it was not refused", every)
		}
	}
	o.Every = time.Millisecond
	if _, err := upkeep.Simulate(t.Context(), f.Session, o); !errors.Is(err, upkeep.ErrTooManyBackups) {
		t.Errorf("every millisecond: got %v", err)
	}
}

// TestDecide checks that each environment has rules of its own.
func TestDecide(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "keep = { last = 1, hourly = 0, daily = 0, weekly = 0, monthly = 0, yearly = 0 }\n")
	taken := f.BackUp(t, 3, time.Hour)
	slices.Reverse(taken)
	decisions, err := upkeep.Decide(upkeep.Rules{Conf: f.Conf}, taken, f.Clock)
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range decisions {
		if d.Snapshot != taken[i] || d.Keep != (i == 0) {
			t.Errorf("%d: kept %t for %q", i, d.Keep, d.Reasons)
		}
	}
}

// TestWatchedKeepsMore decides about an environment that is watched, by the rules of a watch where the configuration has none of
// its own, and by given rules as they are.
func TestWatchedKeepsMore(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	var list []*snapshot.Snapshot
	for age := range 120 {
		list = append(list, &snapshot.Snapshot{ID: snapshot.NewID(), Environment: "app", Database: "app", Time: now.Add(-time.Duration(age) * 30 * time.Second)})
	}
	one := keepLast(1)
	for _, tt := range []struct {
		rules upkeep.Rules
		kept  func(n int) bool
	}{
		{upkeep.Rules{Conf: &config.Config{}}, func(n int) bool { return n < len(list) }},
		{upkeep.Rules{Conf: &config.Config{}, Watched: map[string]bool{"app": true}}, func(n int) bool { return n == len(list) }},
		{upkeep.Rules{Conf: &config.Config{}, Watched: map[string]bool{"app": true}, Given: one}, func(n int) bool { return n == 1 }},
	} {
		decisions, err := upkeep.Decide(tt.rules, list, now)
		if err != nil {
			t.Fatal(err)
		}
		kept := 0
		for _, d := range decisions {
			if d.Keep {
				kept++
			}
		}
		if !tt.kept(kept) {
			t.Errorf("watched %v, given %v: %d of %d snapshots are kept", tt.rules.Watched, tt.rules.Given != nil, kept, len(list))
		}
	}
}
