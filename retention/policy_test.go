package retention_test

import (
	"encoding/json"
	"errors"
	"math"
	"testing"
	"time"

	"firn/retention"

	"pgregory.net/rapid"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		policy retention.Policy
		want   string
	}{
		"OK":                 {retention.Policy{Last: 1}, ""},
		"All":                {retention.Policy{Yearly: retention.All}, ""},
		"OnlyWithin":         {retention.Policy{Within: time.Hour}, ""},
		"Zero":               {retention.Policy{}, "no retention rule keeps anything"},
		"OnlyPreRestore":     {retention.Policy{PreRestore: time.Hour, Location: time.UTC}, "no retention rule keeps anything"},
		"NegativeCount":      {retention.Policy{Last: 1, Weekly: -2}, "retention rule weekly: negative count -2"},
		"NegativeMinutely":   {retention.Policy{Last: 1, Minutely: -2}, "retention rule minutely: negative count -2"},
		"OnlyMinutely":       {retention.Policy{Minutely: 1}, ""},
		"NegativeWithin":     {retention.Policy{Last: 1, Within: -time.Hour}, "retention rule within: negative duration -1h"},
		"NegativePreRestore": {retention.Policy{Last: 1, PreRestore: -time.Hour}, "retention rule pre-restore: negative duration -1h"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := ""
			err := tt.policy.Validate()
			if err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if tt.policy.IsZero() != errors.Is(err, retention.ErrKeepsNothing) {
				t.Errorf("IsZero %v, but Validate says %v", tt.policy.IsZero(), err)
			}
		})
	}
}

func TestPolicyString(t *testing.T) {
	t.Parallel()
	tests := map[string]retention.Policy{
		"keep nothing": {},
		"last 10, minutely 90, hourly 24, daily 7, weekly 4, monthly 6, yearly all, within 2h (UTC)": {
			Last: 10, Minutely: 90, Hourly: 24, Daily: 7, Weekly: 4, Monthly: 6, Yearly: retention.All, Within: 2 * time.Hour},
		"daily 30 (Europe/Amsterdam)": {Daily: 30, Location: zone(t, "Europe/Amsterdam")},
	}
	for want, policy := range tests {
		if got := policy.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestCount(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]retention.Count{"0": 0, "12": 12, "all": retention.All, "2147483647": math.MaxInt32} {
		if got, err := retention.ParseCount(text); err != nil || got != want || got.String() != text {
			t.Errorf("%s: got %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-1", "+1", "ALL", "unlimited", "1.5", "1e3", " 1", "2147483648"} {
		if got, err := retention.ParseCount(text); err == nil {
			t.Errorf("%q: got %v, want an error", text, got)
		}
	}
}

func TestCountJSON(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal([]retention.Count{7, retention.All})
	if got, want := string(b), `[7,"all"]`; err != nil || got != want {
		t.Errorf("marshal: got %s, %v, want %s", got, err, want)
	}
	var counts []retention.Count
	if err := json.Unmarshal([]byte(`[7,"all","12"]`), &counts); err != nil || len(counts) != 3 ||
		counts[0] != 7 || counts[1] != retention.All || counts[2] != 12 {
		t.Errorf("unmarshal: got %v, %v", counts, err)
	}
	for _, text := range []string{`-1`, `"x"`, `1.5`, `null`, `{}`} {
		if err := json.Unmarshal([]byte(text), new(retention.Count)); err == nil {
			t.Errorf("unmarshal %s: got no error", text)
		}
	}
}

func TestParseDuration(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"0": 0, "0s": 0, "90s": 90 * time.Second, "1.5h": 90 * time.Minute, "2h": 2 * time.Hour, "30d": 30 * day, "4w": 28 * day,
		"1w2d12h30m": 9*day + 12*time.Hour + 30*time.Minute, "106751d23h47m16.854775807s": math.MaxInt64,
	} {
		if got, err := retention.ParseDuration(text); err != nil || got != want {
			t.Errorf("%s: got %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "d", "w", "7", "-1d", "-2h", "+2h", "1d-2h", "1d+2h", "2h1d", "1d2w", "1.5d", "1y", "1d ", "1d1d",
		"106752d", "15251w", "106751d24h", "99999999999999999999w", "106751d23h47m16.854775808s",
	} {
		if got, err := retention.ParseDuration(text); err == nil {
			t.Errorf("%q: got %v, want an error", text, got)
		}
	}
}

func TestFormatDuration(t *testing.T) {
	t.Parallel()
	for want, d := range map[string]time.Duration{
		"0s": 0, "10s": 10 * time.Second, "10m": 10 * time.Minute, "2h": 2 * time.Hour, "20h": 20 * time.Hour, "1h10m": 70 * time.Minute,
		"1h0m5s": time.Hour + 5*time.Second, "36h": 36 * time.Hour, "30d": 720 * time.Hour, "-1h": -time.Hour,
	} {
		if got := retention.FormatDuration(d); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		unit := rapid.SampledFrom([]time.Duration{1, time.Second, time.Minute, time.Hour, 24 * time.Hour}).Draw(t, "unit")
		d := time.Duration(rapid.Int64Range(0, int64(math.MaxInt64/unit)).Draw(t, "n")) * unit
		if got, err := retention.ParseDuration(retention.FormatDuration(d)); err != nil || got != d {
			t.Fatalf("%v: got %v, %v", d, got, err)
		}
	})
}
