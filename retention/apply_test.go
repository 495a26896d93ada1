package retention_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // provides the zones below on every machine

	"firn/retention"
)

var utcNow = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// item reads "2026-11-21 03:12". A zone offset may follow, and the words pinned, verified,
// sqlite, unsound, unread, suspect and pre-restore. The text is the item's ID.
func item(t testing.TB, text string) retention.Item {
	t.Helper()
	words := strings.Fields(text)
	at, err := time.Parse("2006-01-02 15:04", words[0]+" "+words[1])
	it := retention.Item{ID: text, Time: at}
	for _, word := range words[2:] {
		switch word {
		case "pinned":
			it.Pinned = true
		case "verified":
			it.Verified = true
		case "sqlite":
			it.Verified, it.BySQLite = true, true
		case "unsound":
			it.Unsound = true
		case "unread":
			it.Unread = true
		case "suspect":
			it.Suspect = true
		case "pre-restore":
			it.PreRestore = true
		default:
			it.Time, err = time.Parse("2006-01-02 15:04 -0700", strings.Join(words[:3], " "))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return it
}

// items reads one item per line, up to a colon.
func items(t testing.TB, lines string) []retention.Item {
	t.Helper()
	var list []retention.Item
	for line := range strings.Lines(lines) {
		if text, _, _ := strings.Cut(strings.TrimSpace(line), ": "); text != "" {
			list = append(list, item(t, strings.TrimSuffix(text, ":")))
		}
	}
	return list
}

// render returns one line per decision: "ID: reason, reason".
func render(decisions []retention.Decision) string {
	var b strings.Builder
	for _, d := range decisions {
		line := d.ID + ": " + strings.Join(d.Reasons, ", ")
		fmt.Fprintln(&b, strings.TrimRight(line, " "))
	}
	return b.String()
}

func trimLines(s string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimLeft(s, "\n")) {
		if line = strings.TrimSpace(line); line != "" {
			fmt.Fprintln(&b, line)
		}
	}
	return b.String()
}

// The wanted decisions are also the input. Every line is an item and, after a colon, its reasons.
// The newest item comes first.
func TestApply(t *testing.T) {
	t.Parallel()
	amsterdam, saoPaulo, lordHowe := zone(t, "Europe/Amsterdam"), zone(t, "America/Sao_Paulo"), zone(t, "Australia/Lord_Howe")
	tests := map[string]struct {
		policy retention.Policy
		now    string // by default long after all items
		want   string
	}{
		"Empty": {policy: retention.Policy{Last: 1}},
		"Last": {policy: retention.Policy{Last: 2}, want: `
			2026-11-21 03:12: last 1, newest
			2026-11-21 03:00: last 2
			2026-11-21 02:48:`},
		"RulesOverlap": {policy: retention.Policy{Last: 1, Hourly: 2, Daily: 1, Weekly: 1, Monthly: 1, Yearly: 1, Within: time.Hour}, want: `
			2026-11-21 03:12: last 1, within 1h, hourly 2026-11-21 03:00 UTC, daily 2026-11-21, weekly 2026-W47, monthly 2026-11, yearly 2026, newest
			2026-11-21 03:00: within 1h
			2026-11-21 02:48: within 1h, hourly 2026-11-21 02:00 UTC
			2026-11-21 02:00:`},
		"MinutelyTakesTheNewestOfAMinute": {policy: retention.Policy{Minutely: 3}, want: `
			2026-11-21 03:12 +0000: minutely 2026-11-21 03:12 UTC, newest
			2026-11-21 03:12 +0000 b:
			2026-11-21 03:10: minutely 2026-11-21 03:10 UTC
			2026-11-20 00:00: minutely 2026-11-20 00:00 UTC
			2026-11-19 23:59:`},
		"WithinIsYoungerThan": {policy: retention.Policy{Within: 2 * time.Hour}, want: `
			2026-11-21 04:00: within 2h, newest
			2026-11-21 02:01: within 2h
			2026-11-21 02:00:`},
		"WithinIgnoresTheFuture": {policy: retention.Policy{Within: 2 * time.Hour}, now: "2026-11-21 04:05", want: `
			2031-01-01 00:00: later than now
			2026-11-21 04:00: within 2h, newest
			2026-11-21 02:01: within 2h
			2026-11-21 02:00:`},
		"WithinAllInTheFuture": {policy: retention.Policy{Within: 2 * time.Hour}, now: "1970-01-01 00:00", want: `
			2026-11-21 04:00: later than now
			2026-11-21 02:00: later than now`},
		"NoRuleCountsTheFuture": {policy: retention.Policy{Last: 1, Hourly: 1, Daily: 1, Yearly: retention.All}, now: "2026-11-21 04:05", want: `
			2042-01-01 00:00: later than now
			2026-12-31 00:00 pre-restore: later than now
			2026-11-21 04:06 verified: later than now
			2026-11-21 04:05: last 1, hourly 2026-11-21 04:00 UTC, daily 2026-11-21, yearly 2026, newest
			2026-11-21 04:00 suspect:
			2026-11-21 02:00 verified: newest verified`},
		"NothingSpecialIsOfTheFuture": {policy: retention.Policy{Last: 1}, now: "2026-11-21 04:05", want: `
			2042-01-01 00:00 pinned unread: later than now, pinned, unreadable note
			2041-01-01 00:00 unsound: later than now
			2026-11-21 04:00 pre-restore: pre-restore within 30d, newest
			2026-11-21 03:00 suspect: last 1, newest
			2026-11-21 02:00 verified: newest verified, newest not suspect
			2026-11-21 01:00:`},
		"GapsDoNotCount": {policy: retention.Policy{Daily: 3}, want: `
			2026-11-21 03:00: daily 2026-11-21, newest
			2026-11-20 03:00: daily 2026-11-20
			2026-11-20 02:00:
			2025-01-07 03:00: daily 2025-01-07
			2025-01-06 03:00:`},
		"OldestIsNotSpecial": {policy: retention.Policy{Monthly: 6}, want: `
			2026-11-21 03:00: monthly 2026-11, newest
			2026-11-20 03:00:
			2026-11-19 03:00:`},
		"Week53": {policy: retention.Policy{Weekly: 3}, want: `
			2027-01-04 12:00: weekly 2027-W01, newest
			2027-01-03 12:00: weekly 2026-W53
			2027-01-01 12:00:
			2026-12-31 12:00:
			2026-12-28 00:00:
			2026-12-27 23:59: weekly 2026-W52
			2026-12-20 12:00:`},
		"Week1BeginsInDecember": {policy: retention.Policy{Weekly: 2, Yearly: retention.All}, want: `
			2025-01-01 12:00: weekly 2025-W01, yearly 2025, newest
			2024-12-31 12:00: yearly 2024
			2024-12-30 12:00:
			2024-12-29 12:00: weekly 2024-W52
			2024-01-01 12:00:`},
		"LeapDay": {policy: retention.Policy{Daily: 3, Monthly: 2}, want: `
			2028-03-01 00:00: daily 2028-03-01, monthly 2028-03, newest
			2028-02-29 23:59: daily 2028-02-29, monthly 2028-02
			2028-02-29 00:00:
			2028-02-28 23:59: daily 2028-02-28
			2028-02-27 23:59:`},
		"YearlyAll": {policy: retention.Policy{Yearly: retention.All}, want: `
			2026-03-01 00:00: yearly 2026, newest
			2025-12-31 23:59: yearly 2025
			2025-01-01 00:00:
			2020-02-29 00:00: yearly 2020
			1999-12-31 00:00: yearly 1999
			1970-01-01 00:00: yearly 1970
			1969-12-31 00:00: yearly 1969`},
		"RepeatedHour": {policy: retention.Policy{Hourly: 4, Daily: 1, Location: amsterdam}, want: `
			2026-10-25 03:10 +0100: hourly 2026-10-25 03:00 CET, daily 2026-10-25, newest
			2026-10-25 02:50 +0100: hourly 2026-10-25 02:00 CET
			2026-10-25 02:10 +0100:
			2026-10-25 02:55 +0200: hourly 2026-10-25 02:00 CEST
			2026-10-25 02:05 +0200:
			2026-10-25 01:55 +0200: hourly 2026-10-25 01:00 CEST
			2026-10-25 00:55 +0200:`},
		"SkippedHour": {policy: retention.Policy{Hourly: 3, Daily: 2, Location: amsterdam}, want: `
			2026-03-29 04:00 +0200: hourly 2026-03-29 04:00 CEST, daily 2026-03-29, newest
			2026-03-29 03:00 +0200: hourly 2026-03-29 03:00 CEST
			2026-03-29 01:59 +0100: hourly 2026-03-29 01:00 CET
			2026-03-29 00:59 +0100:
			2026-03-28 23:59 +0100: daily 2026-03-28`},
		"RepeatedHalfHour": {policy: retention.Policy{Hourly: 3, Location: lordHowe}, want: `
			2026-04-05 02:00 +1030: hourly 2026-04-05 02:00 +1030, newest
			2026-04-05 01:40 +1030: hourly 2026-04-05 01:00 +1030
			2026-04-05 01:50 +1100: hourly 2026-04-05 01:00 +11
			2026-04-05 01:10 +1100:`},
		"RepeatedMidnight": {policy: retention.Policy{Daily: 2, Location: saoPaulo}, want: `
			2018-02-18 00:30 -0300: daily 2018-02-18, newest
			2018-02-17 23:30 -0300: daily 2018-02-17
			2018-02-17 23:30 -0200:
			2018-02-16 23:30 -0200:`},
		"LocationMovesTheDay": {policy: retention.Policy{Daily: 2, Location: amsterdam}, want: `
			2026-11-21 23:30: daily 2026-11-22, newest
			2026-11-21 22:30: daily 2026-11-21
			2026-11-20 23:30:
			2026-11-20 22:30:`},
		"ZoneOfTheItemDoesNotMatter": {policy: retention.Policy{Daily: 2}, want: `
			2026-11-21 09:30 +1000: daily 2026-11-20, newest
			2026-11-20 18:30 -0400:
			2026-11-19 23:30 +0000: daily 2026-11-19`},
		"PinnedAndVerified": {policy: retention.Policy{Last: 1}, want: `
			2026-11-21 05:00: last 1, newest
			2026-11-21 04:00 pinned: pinned
			2026-11-21 03:00 verified: newest verified
			2026-11-21 02:00 verified:
			2026-11-21 01:00 verified pinned: pinned
			2026-11-21 00:00:`},
		"CheckedBySQLite": {policy: retention.Policy{Last: 1}, want: `
			2026-11-21 05:00 verified: last 1, newest verified, newest
			2026-11-21 04:00 verified:
			2026-11-21 03:00 sqlite: newest checked by SQLite
			2026-11-21 02:00 sqlite:
			2026-11-21 01:00 pre-restore sqlite:`},
		"UnsoundStaysUntilOneIsSound": {policy: retention.Policy{Last: 1}, want: `
			2026-11-21 06:00: last 1, newest
			2026-11-21 05:00:
			2026-11-21 04:00 unsound: newest unsound
			2026-11-21 03:00 unsound:
			2026-11-21 02:00 verified: newest verified
			2026-11-21 01:00 unsound:`},
		"SoundEndsUnsound": {policy: retention.Policy{Last: 1}, want: `
			2026-11-21 03:00: last 1, newest
			2026-11-21 02:00 verified: newest verified
			2026-11-21 01:00 unsound:`},
		"LastGoodStays": {policy: retention.Policy{Last: 1}, want: `
			2026-11-21 06:00 pre-restore: newest
			2026-11-21 05:00 suspect: last 1, newest
			2026-11-21 04:00 suspect verified: newest verified
			2026-11-21 03:00 suspect:
			2026-11-21 02:00: newest not suspect
			2026-11-21 01:00:`},
		"AcceptedIsNewest": {policy: retention.Policy{Last: 1}, want: `
			2026-11-21 05:00: last 1, newest
			2026-11-21 04:00 suspect:
			2026-11-21 03:00:`},
		"UnreadStays": {policy: retention.Policy{Last: 1}, want: `
			2026-11-21 05:00: last 1, newest
			2026-11-21 04:00 unread: unreadable note
			2026-11-21 03:00 pinned unread: pinned, unreadable note
			2026-11-21 02:00 verified: newest verified
			2026-11-21 01:00:`},
		"SpecialOnesDoNotReplaceOthers": {policy: retention.Policy{Last: 2, Daily: 1}, want: `
			2026-11-21 05:00 pinned verified: last 1, daily 2026-11-21, pinned, newest verified, newest
			2026-11-21 04:00: last 2
			2026-11-21 03:00:`},
		"NoRule": {policy: retention.Policy{}, want: `
			2026-11-21 05:00: newest
			2026-11-21 04:00:`},
		"PreRestoreFollowsItsOwnRule": {policy: retention.Policy{Last: 2, Daily: 2, Within: time.Hour}, now: "2026-11-21 04:00", want: `
			2026-11-21 03:55 pre-restore: pre-restore within 30d, newest
			2026-11-21 03:50: last 1, within 1h, daily 2026-11-21, newest
			2026-11-21 03:45 pre-restore verified: pre-restore within 30d
			2026-11-20 03:00: last 2, daily 2026-11-20
			2026-11-19 03:00:
			2026-10-22 04:01 pre-restore: pre-restore within 30d
			2026-10-22 04:00 pre-restore:
			2026-10-22 03:59 pre-restore pinned: pinned
			2026-10-01 04:00 verified: newest verified`},
		"PreRestoreShorter": {policy: retention.Policy{Last: 1, PreRestore: 36 * time.Hour}, now: "2026-11-21 04:00", want: `
			2026-11-21 03:00: last 1, newest
			2026-11-19 17:00 pre-restore: pre-restore within 36h
			2026-11-19 16:00 pre-restore:`},
		"PreRestoreAlone": {policy: retention.Policy{Last: 1}, want: `
			2026-11-21 03:55 pre-restore: newest
			2026-11-21 03:50 pre-restore:`},
		"EqualTimes": {policy: retention.Policy{Last: 1, Daily: 2}, want: `
			2026-11-21 03:00: last 1, daily 2026-11-21, newest
			2026-11-21 03:00 +0000:
			2026-11-21 03:00 pinned: pinned`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := utcNow
			if tt.now != "" {
				now = item(t, tt.now).Time
			}
			want := trimLines(tt.want)
			list := items(t, tt.want)
			if got := render(tt.policy.Apply(list, now)); got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
			slices.Reverse(list)
			if got := render(tt.policy.Apply(list, now)); got != want {
				t.Errorf("oldest first: got\n%swant\n%s", got, want)
			}
		})
	}
}

// TestEarly distinguishes an item dated by a clock that started in 1970 from items that are only
// old.
func TestEarly(t *testing.T) {
	t.Parallel()
	yearly := retention.Policy{Last: 1, Yearly: retention.All}
	for _, tt := range []struct {
		name   string
		policy retention.Policy
		list   string
		want   string
	}{
		{"Epoch", yearly, "2026-11-21 03:00\n2026-11-20 03:00\n1970-01-01 00:03", "1970-01-01 00:03"},
		{"TwoYears", yearly, "2026-11-21 03:00\n2024-11-21 03:00", "2024-11-21 03:00"},
		{"LastYear", yearly, "2026-11-21 03:00\n2025-03-20 03:00", ""},
		{"ManyYears", yearly, "2026-11-21 03:00\n2025-03-20 03:00\n2024-03-20 03:00\n2023-03-20 03:00", ""},
		{"Pinned", yearly, "2026-11-21 03:00\n1970-01-01 00:03 pinned", ""},
		{"NotKept", retention.Policy{Last: 1}, "2026-11-21 03:00\n1970-01-01 00:03", ""},
		{"One", yearly, "1970-01-01 00:03", ""},
		{"None", yearly, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := ""
			if d := retention.Early(tt.policy.Apply(items(t, tt.list), utcNow)); d != nil {
				got = d.ID
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestApplyKeepAgreesWithReasons(t *testing.T) {
	t.Parallel()
	list := items(t, "2026-11-21 05:00\n2026-11-21 04:00\n2026-11-21 03:00 pinned")
	before := slices.Clone(list)
	slices.Reverse(list)
	for _, d := range (retention.Policy{Last: 1}).Apply(list, utcNow) {
		if d.Keep != (len(d.Reasons) > 0) {
			t.Errorf("%s: keep %v for %q", d.ID, d.Keep, d.Reasons)
		}
	}
	slices.Reverse(list)
	if !slices.Equal(list, before) {
		t.Error("Apply changed its input")
	}
}

// TestPeriodsNeverCollide takes a snapshot a day for eleven years. Every ISO week and every month
// must keep one, though 2026-01 and 2026-W01 look alike.
func TestPeriodsNeverCollide(t *testing.T) {
	t.Parallel()
	policy := retention.Policy{Daily: retention.All, Weekly: retention.All, Monthly: retention.All, Yearly: retention.All}
	first := time.Date(2020, 1, 1, 12, 0, 0, 0, time.UTC)
	last := time.Date(2030, 12, 31, 12, 0, 0, 0, time.UTC)
	var list []retention.Item
	for at := first; !at.After(last); at = at.AddDate(0, 0, 1) {
		list = append(list, retention.Item{ID: at.Format(time.DateOnly), Time: at})
	}
	got := make(map[string]int) // from a rule to its number of periods
	for _, d := range policy.Apply(list, last) {
		for _, reason := range d.Reasons {
			rule, period, _ := strings.Cut(reason, " ")
			got[rule]++
			if rule == "weekly" && d.Time.Weekday() != time.Sunday && d.Time != last {
				t.Errorf("%s keeps %s, a %s", period, d.ID, d.Time.Weekday())
			}
			if rule == "monthly" && d.Time.AddDate(0, 0, 1).Day() != 1 {
				t.Errorf("%s keeps %s, not the last of the month", period, d.ID)
			}
		}
	}
	// 4018 days; the first Sunday is 2020-01-05, and 2030-12-31 is a Tuesday.
	want := map[string]int{"daily": 4018, "weekly": 575, "monthly": 132, "yearly": 11, "newest": 1}
	for rule := range want {
		if got[rule] != want[rule] {
			t.Errorf("%s: got %d periods, want %d", rule, got[rule], want[rule])
		}
	}
}
