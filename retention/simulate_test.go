package retention_test

import (
	"strings"
	"testing"
	"time"

	"firn/retention"
)

// simulation is an environment that is backed up every 12 minutes and thinned
// after every run.
type simulation struct {
	policy  retention.Policy
	kept    []retention.Item // items that retention has left
	history []retention.Item // all items ever taken
	reasons map[string]int   // of the last run, by rule
}

// run takes a snapshot and applies the policy.
func (s *simulation) run(at time.Time) {
	it := retention.Item{ID: at.UTC().Format(time.RFC3339), Time: at}
	s.history = append(s.history, it)
	decisions := s.policy.Apply(append(s.kept, it), at)
	s.kept, s.reasons = nil, make(map[string]int)
	for _, d := range decisions {
		if !d.Keep {
			continue
		}
		s.kept = append(s.kept, d.Item)
		for _, reason := range d.Reasons {
			rule, _, _ := strings.Cut(reason, " ")
			s.reasons[rule]++
		}
	}
}

// check compares the items with those that the policy keeps of the whole history
// at once. Step-by-step deletion must never lose a snapshot that a rule still
// promises.
func (s *simulation) check(t *testing.T, now time.Time) {
	t.Helper()
	var want []retention.Item
	for _, d := range s.policy.Apply(s.history, now) {
		if d.Keep {
			want = append(want, d.Item)
		}
	}
	if len(s.kept) != len(want) {
		t.Fatalf("%s: kept %d, want %d", now, len(s.kept), len(want))
	}
	for i := range want {
		if s.kept[i] != want[i] {
			t.Fatalf("%s: kept %s, want %s", now, s.kept[i].ID, want[i].ID)
		}
	}
}

// TestSteadyState simulates 400 days of 12-minute runs in a zone with summer time.
func TestSteadyState(t *testing.T) {
	t.Parallel()
	loc := zone(t, "Europe/Amsterdam")
	s := simulation{policy: retention.Policy{
		Last: 10, Hourly: 24, Daily: 7, Weekly: 4, Monthly: 6, Yearly: retention.All, Within: 2 * time.Hour, Location: loc,
	}}
	start := time.Date(2026, 8, 1, 0, 0, 0, 0, loc)
	end, steady := start.AddDate(0, 0, 400), start.AddDate(0, 0, 190)
	checkAt := start
	for at := start; at.Before(end); at = at.Add(12 * time.Minute) {
		s.run(at)
		if !at.Before(checkAt) {
			s.check(t, at)
			checkAt = at.Add(9*24*time.Hour + 7*time.Hour + 36*time.Minute) // the time of day varies
		}
		if at.After(steady) {
			s.checkSteady(t, at)
		}
	}
	s.check(t, end)
}

// checkSteady checks the numbers that the policy promises once the history is long
// enough.
func (s *simulation) checkSteady(t *testing.T, now time.Time) {
	t.Helper()
	years := now.In(s.policy.Location).Year() - 2026 + 1
	want := map[string]int{
		"last": 10, "within": 10, "hourly": 24, "daily": 7, "weekly": 4, "monthly": 6, "yearly": years, "newest": 1,
	}
	for rule, n := range want {
		if s.reasons[rule] != n {
			t.Fatalf("%s: %s keeps %d, want %d", now, rule, s.reasons[rule], n)
		}
	}
	// The rules promise 53 in all, without within, which keeps the same items as
	// last. They overlap by 6 to 11: the newest item fulfils every rule, and the
	// last item of a long period is also that of a shorter one.
	if n := len(s.kept); n < 42 || n > 47 {
		t.Fatalf("%s: keeps %d", now, n)
	}
}
