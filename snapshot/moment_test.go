package snapshot_test

import (
	"errors"
	"testing"
	"time"

	"firn/snapshot"
)

func TestParseTime(t *testing.T) {
	t.Parallel()
	amsterdam, lordHowe := zone(t, "Europe/Amsterdam"), zone(t, "Australia/Lord_Howe")
	for name, tt := range map[string]struct {
		text string
		loc  *time.Location
		want string // "" for an error
	}{
		"Year":             {text: "2026", want: "2026-01-01T00:00:00Z"},
		"Month":            {text: "2026-03", want: "2026-03-01T00:00:00Z"},
		"Day":              {text: "2026-03-15", want: "2026-03-15T00:00:00Z"},
		"DayInZone":        {text: "2026-03-15", loc: amsterdam, want: "2026-03-14T23:00:00Z"},
		"Hour":             {text: "2026-03-15T03", want: "2026-03-15T03:00:00Z"},
		"Minute":           {text: "2026-03-15 03:12", want: "2026-03-15T03:12:00Z"},
		"Second":           {text: "2026-03-15 03:12:05", want: "2026-03-15T03:12:05Z"},
		"Tenth":            {text: "2026-03-15 03:12:05.5", want: "2026-03-15T03:12:05.5Z"},
		"Microsecond":      {text: "2026-03-15T03:12:05.123456", want: "2026-03-15T03:12:05.123456Z"},
		"RFC3339":          {text: "2026-03-15T03:12:05Z", loc: amsterdam, want: "2026-03-15T03:12:05Z"},
		"RFC3339Fraction":  {text: "2026-03-15 03:12:05.25+01:00", want: "2026-03-15T02:12:05.25Z"},
		"RepeatedHour":     {text: "2026-10-25T02:30", loc: amsterdam, want: "2026-10-25T01:30:00Z"},
		"RepeatedHalfHour": {text: "2026-04-05T01:45", loc: lordHowe, want: "2026-04-04T15:15:00Z"},
		"Empty":            {text: ""},
		"Word":             {text: "yesterday"},
		"Latest":           {text: "latest"},
		"MonthIncomplete":  {text: "2026-1"},
		"NoSuchMonth":      {text: "2026-13"},
		"NoSuchDay":        {text: "2026-02-30"},
		"NoSuchHour":       {text: "2026-02-03T25"},
		"NoMinute":         {text: "2026-02-03T10+01:00"},
		"BehindTheTime":    {text: "2026-03-15T03:12:05.1234567"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := snapshot.ParseTime(tt.text, tt.loc)
			if (err != nil) != (tt.want == "") {
				t.Fatalf("%q: got %v, %v, want %q", tt.text, got, err, tt.want)
			}
			if err == nil && got.Format(time.RFC3339Nano) != tt.want {
				t.Errorf("%q: got %s, want %s", tt.text, got.Format(time.RFC3339Nano), tt.want)
			}
		})
	}
}

func TestAt(t *testing.T) {
	t.Parallel()
	const ofProduction = "production"
	for name, tt := range map[string]struct {
		at, environment string
		want            string // beginnings of IDs; "" if there is none
	}{
		"Exactly":         {"2026-03-15T03:12:05.123456", ofProduction, "aaaa0001"},
		"MicrosecondLess": {"2026-03-15T03:12:05.123455", ofProduction, "cccc0001"},
		"SecondIsShort":   {"2026-03-15T03:12:05", ofProduction, "cccc0001"},
		"Between":         {"2026-03-15T03:12:06", ofProduction, "aaaa0001"},
		"DayBegins":       {"2026-03-15", ofProduction, "cccc0001"},
		"Later":           {"2042", ofProduction, "eeee0001"},
		"Oldest":          {"2026-02-01", ofProduction, "cafe0001"},
		"BeforeAll":       {"2026-01-31T23:59:59", ofProduction, ""},
		"Other":           {"2026-03-15T05", "demo", "bbbb0001"},
		"NoSuch":          {"2026", "staging", ""},
		"OneOfAll":        {"2021-01-02", "", "12345678"},
		"SeveralOfAll":    {"2026-03-15T05", "", "bbbb0001 aaaa0002 abcd0001"},
	} {
		t.Run(name, func(t *testing.T) {
			moment, err := snapshot.ParseTime(tt.at, nil)
			if err != nil {
				t.Fatal(err)
			}
			var list []*snapshot.Snapshot
			for _, s := range entries(t) {
				if tt.environment == "" || s.Environment == tt.environment {
					list = append(list, s)
				}
			}
			got, err := found(snapshot.At(list, moment, nil, "@"+tt.at))
			if got != tt.want || (got == "") != errors.Is(err, snapshot.ErrNotFound) {
				t.Errorf("got %q (%v), want %q", got, err, tt.want)
			}
		})
	}
}

func TestAtErrors(t *testing.T) {
	t.Parallel()
	list := []*snapshot.Snapshot{entry(t, "aaaa0001 2026-03-15T03:12:05.5Z demo"), entry(t, "aaaa0002 2026-03-15T03:12:07Z production")}
	for at, want := range map[string]string{
		"2026-03-15T03:12:05": "no such snapshot from 2026-03-15 04:12:05 CET or before: the oldest is of 2026-03-15 04:12:05.5 CET, the newest of 2026-03-15 04:12:07 CET",
		"2026-03-15T03:12:08": `snapshot "a time" is ambiguous: aaaa0002 (2026-03-15 03:12:07 UTC), aaaa0001 (2026-03-15 03:12:05 UTC)`,
	} {
		moment, err := snapshot.ParseTime(at, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := snapshot.At(list, moment, zone(t, "Europe/Amsterdam"), "a time"); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", at, err, want)
		}
		if _, err := snapshot.At(nil, moment, nil, "@T"); err == nil || err.Error() != "no such snapshot: there is none" {
			t.Errorf("no snapshots: got %v", err)
		}
	}
}
