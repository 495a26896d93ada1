package snapshot_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // provides the zones below on every machine

	"firn/snapshot"
	"firn/tags"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// entry returns the snapshot for a text "ID TIME ENVIRONMENT". The word "sound"
// or a problem may follow.
func entry(t testing.TB, text string) *snapshot.Snapshot {
	t.Helper()
	f := strings.Fields(text)
	at, err := time.Parse(time.RFC3339Nano, f[1])
	if err != nil {
		t.Fatal(err)
	}
	s := &snapshot.Snapshot{ID: parseID(t, f[0]), Time: at.UTC(), Environment: f[2], Database: "app", Images: []snapshot.Image{{}}}
	if len(f) > 3 {
		s.Verified = &snapshot.Verification{Problem: strings.TrimPrefix(f[3], "sound")}
	}
	return s
}

// entries returns snapshots in no order.
func entries(t testing.TB) []*snapshot.Snapshot {
	t.Helper()
	var list []*snapshot.Snapshot
	for _, text := range []string{
		"aaaa0001 2026-03-15T03:12:05.123456Z production",
		"aaaa0002 2026-03-15T03:12:59Z production",
		"bbbb0001 2026-03-15T04:00:00Z demo broken",
		"cccc0001 2026-03-14T23:30:00Z production sound",
		"cafe0001 2026-02-01T00:00:00Z production sound",
		"dddd0001 2026-10-25T00:30:00Z production", // 02:30 CEST
		"dddd0002 2026-10-25T01:30:00Z production", // 02:30 CET
		"eeee0001 2027-01-01T00:00:00Z production",
		"20250001 2024-06-01T00:00:00Z old",
		"abcd0001 2025-06-01T00:00:00Z old",
		"20240001 2024-01-01T00:00:00Z old sound",
		"20230001 2023-06-01T00:00:00Z old",
		"f00d0000 2022-06-01T00:00:00Z old",
		"f00d00000000 2022-05-01T00:00:00Z old", // this ID occurs twice
		"12345678aa 2021-01-02T00:00:00Z old",
		"12345678ab 2021-01-01T00:00:00Z old",
	} {
		list = append(list, entry(t, text))
	}
	return list
}

func TestFind(t *testing.T) {
	t.Parallel()
	amsterdam := zone(t, "Europe/Amsterdam")
	tests := map[string]struct {
		ref  string
		loc  *time.Location
		want string // beginnings of IDs; "" if not found
	}{
		"FourDigits":        {ref: "bbbb", want: "bbbb0001"},
		"ShortID":           {ref: "aaaa0002", want: "aaaa0002"},
		"FullID":            {ref: "aaaa0002" + strings.Repeat("0", 24), want: "aaaa0002"},
		"UpperCase":         {ref: "BBBB", want: "bbbb0001"},
		"ThreeDigits":       {ref: "bbb"},
		"TooManyDigits":     {ref: "aaaa0002" + strings.Repeat("0", 25)},
		"NoSuchID":          {ref: "bbbc"},
		"NotHex":            {ref: "bbbg"},
		"AmbiguousID":       {ref: "aaaa", want: "aaaa0002 aaaa0001"},
		"AmbiguousIDLong":   {ref: "aaaa000", want: "aaaa0002 aaaa0001"},
		"SameIDTwice":       {ref: "f00d", want: "f00d0000"},
		"Latest":            {ref: "latest", want: "eeee0001"},
		"LatestEnv":         {ref: "latest:demo", want: "bbbb0001"},
		"LatestNoSuchEnv":   {ref: "latest:dem"},
		"LatestNoEnv":       {ref: "latest:"},
		"LatestUpperCase":   {ref: "Latest"},
		"Verified":          {ref: "latest-verified", want: "cccc0001"},
		"VerifiedEnv":       {ref: "latest-verified:old", want: "20240001"},
		"VerifiedFailed":    {ref: "latest-verified:demo"},
		"VerifiedNoEnv":     {ref: "latest-verified:"},
		"Empty":             {ref: ""},
		"Word":              {ref: "yesterday"},
		"Year":              {ref: "2026", want: "dddd0002"},
		"YearOfNone":        {ref: "2020"},
		"YearIsAlsoID":      {ref: "2025", want: "abcd0001 20250001"},
		"YearAndIDAgree":    {ref: "2023", want: "20230001"},
		"YearAndOlderID":    {ref: "2024", want: "20250001 20240001"},
		"Month":             {ref: "2026-03", want: "bbbb0001"},
		"MonthNotYearAndID": {ref: "2025-06", want: "abcd0001"},
		"MonthOneDigit":     {ref: "2026-1"},
		"Day":               {ref: "2026-03-14", want: "cccc0001"},
		"DayIncomplete":     {ref: "2026-03-1"},
		"DayDash":           {ref: "2026-03-15-"},
		"Hour":              {ref: "2026-03-15T03", want: "aaaa0002"},
		"HourSpace":         {ref: "2026-03-15 03", want: "aaaa0002"},
		"Minute":            {ref: "2026-03-15T03:12", want: "aaaa0002"},
		"MinuteSpace":       {ref: "2026-03-15 03:12", want: "aaaa0002"},
		"MinuteOfNone":      {ref: "2026-03-15T03:13"},
		"MinuteIncomplete":  {ref: "2026-03-15T03:1"},
		"Second":            {ref: "2026-03-15T03:12:05", want: "aaaa0001"},
		"SecondSpace":       {ref: "2026-03-15 03:12:59", want: "aaaa0002"},
		"Fraction":          {ref: "2026-03-15T03:12:05.12", want: "aaaa0001"},
		"FractionDot":       {ref: "2026-03-15T03:12:05."},
		"FractionOfNone":    {ref: "2026-03-15T03:12:05.13"},
		"WrongShape":        {ref: "2026/03/15"},
		"DayInZone":         {ref: "2026-03-15T00", loc: amsterdam, want: "cccc0001"},
		"DayNotInZone":      {ref: "2026-03-14", loc: amsterdam},
		"RepeatedHour":      {ref: "2026-10-25T02:30", loc: amsterdam, want: "dddd0002"},
		"RFC3339":           {ref: "2026-03-15T03:12:05Z", loc: amsterdam, want: "aaaa0001"},
		"RFC3339Exact":      {ref: "2026-03-15T03:12:05.123456Z", loc: amsterdam, want: "aaaa0001"},
		"RFC3339Offset":     {ref: "2026-10-25 02:30:00+02:00", loc: amsterdam, want: "dddd0001"},
		"RFC3339OfNone":     {ref: "2026-03-15T03:12:06Z", loc: amsterdam},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := found(snapshot.Find(entries(t), tt.ref, tt.loc))
			if got != tt.want {
				t.Errorf("%q: got %q (%v), want %q", tt.ref, got, err, tt.want)
			}
			if tt.want == "" && !errors.Is(err, snapshot.ErrNotFound) {
				t.Errorf("%q: got %v, want ErrNotFound", tt.ref, err)
			}
			if _, err := snapshot.Find(nil, tt.ref, tt.loc); !errors.Is(err, snapshot.ErrNotFound) {
				t.Errorf("%q in an empty list: got %v, want ErrNotFound", tt.ref, err)
			}
		})
	}
}

// found returns the short ID that Find returned, or those of the candidates of
// its error.
func found(s *snapshot.Snapshot, err error) (string, error) {
	var ambiguous *snapshot.AmbiguousError
	if errors.As(err, &ambiguous) {
		return shorts(ambiguous.Candidates), err
	}
	if err != nil {
		return "", err
	}
	return s.ID.Short(), nil
}

func shorts(list []*snapshot.Snapshot) string {
	var ids []string
	for _, s := range list {
		ids = append(ids, s.ID.Short())
	}
	return strings.Join(ids, " ")
}

func TestAmbiguousErrorListsCandidates(t *testing.T) {
	t.Parallel()
	for ref, want := range map[string]string{
		"aaaa": `snapshot "aaaa" is ambiguous: aaaa0002 (2026-03-15 03:12:59 UTC), aaaa0001 (2026-03-15 03:12:05 UTC)`,
		"12345678a": `snapshot "12345678a" is ambiguous: 12345678aa0000000000000000000000 (2021-01-02 00:00:00 UTC), ` +
			`12345678ab0000000000000000000000 (2021-01-01 00:00:00 UTC)`,
	} {
		if _, err := snapshot.Find(entries(t), ref, nil); err == nil || err.Error() != want {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
	many := &snapshot.AmbiguousError{Ref: "2026"}
	for range 14 {
		many.Candidates = append(many.Candidates, entries(t)[0])
	}
	if got := many.Error(); strings.Count(got, "aaaa0001") != 10 || !strings.HasSuffix(got, ", and 4 more") {
		t.Errorf("got %s", got)
	}
}

func TestSort(t *testing.T) {
	t.Parallel()
	list := []*snapshot.Snapshot{
		entry(t, "bb 2026-01-01T00:00:00Z x"), entry(t, "aa 2026-01-01T00:00:00Z x"),
		entry(t, "cc 2026-01-02T00:00:00Z x"), entry(t, "dd 2025-01-02T00:00:00Z x"),
	}
	snapshot.Sort(list)
	if got, want := shorts(list), "cc000000 aa000000 bb000000 dd000000"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestLatest(t *testing.T) {
	t.Parallel()
	list := entries(t)
	other := entry(t, "ffff 2028-01-01T00:00:00Z demo")
	other.Database = "shop"
	list = append(list, other)
	before := slices.Clone(list)
	for args, want := range map[[2]string]string{
		{"", ""}: "ffff0000", {"demo", ""}: "ffff0000", {"", "app"}: "eeee0001", {"demo", "app"}: "bbbb0001",
		{"demo", "shop"}: "ffff0000", {"old", "app"}: "abcd0001",
	} {
		if got := snapshot.Latest(list, args[0], args[1]); got == nil || got.ID.Short() != want {
			t.Errorf("%v: got %v, want %s", args, got, want)
		}
	}
	if got := snapshot.Latest(list, "old", "shop"); got != nil {
		t.Errorf("got %v, want none", got)
	}
	if !slices.Equal(list, before) {
		t.Error("the list was reordered")
	}
}

func TestFilter(t *testing.T) {
	t.Parallel()
	s := &snapshot.Snapshot{Environment: "demo", Database: "app", Tags: tags.Set{"db_app", "env_demo"}}
	for name, tt := range map[string]struct {
		filter snapshot.Filter
		want   bool
	}{
		"All":              {snapshot.Filter{}, true},
		"Environment":      {snapshot.Filter{Environment: "demo"}, true},
		"OtherEnvironment": {snapshot.Filter{Environment: "dem"}, false},
		"Database":         {snapshot.Filter{Database: "app"}, true},
		"OtherDatabase":    {snapshot.Filter{Environment: "demo", Database: "shop"}, false},
		"Tags":             {snapshot.Filter{Environment: "demo", Tags: tags.Filter{{"x"}, {"db_app"}}}, true},
		"OtherTags":        {snapshot.Filter{Environment: "demo", Tags: tags.Filter{{"x", "db_app"}}}, false},
	} {
		if got := tt.filter.Match(s); got != tt.want {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
	}
}

func TestMayMean(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 15, 3, 12, 5, 0, time.UTC)
	for ref, want := range map[string]bool{
		"latest": true, "latest:production": true, "latest-verified": true, "latest-verified:demo": true,
		"2026": true, "2026-03-15T03": true, "2026-03-15T04:12:05+01:00": true,
		"2025": false, "2026-03-15T04": false, "3f2a91c0": false, "latest:": false, "newest": false, "": false,
	} {
		if got := snapshot.MayMean(ref, at, nil); got != want {
			t.Errorf("%q: got %v, want %v", ref, got, want)
		}
	}
}

func TestSplitAhead(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 15, 3, 12, 5, 0, time.UTC)
	near, far, old := &snapshot.Snapshot{Time: now.Add(snapshot.ClockTolerance)}, &snapshot.Snapshot{Time: now.AddDate(16, 0, 0)}, &snapshot.Snapshot{Time: now.AddDate(-56, 0, 0)}
	past, ahead := snapshot.SplitAhead([]*snapshot.Snapshot{far, near, old}, now)
	if !slices.Equal(past, []*snapshot.Snapshot{near, old}) || !slices.Equal(ahead, []*snapshot.Snapshot{far}) {
		t.Errorf("got %d past and %d ahead", len(past), len(ahead))
	}
}
