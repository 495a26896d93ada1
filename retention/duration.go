package retention

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// ParseDuration reads a duration as [time.ParseDuration] does, with days and
// weeks before the other units: "2h", "30d", "1w2d12h". A day has 24 hours.
// Months and years have no fixed length and are errors; so are a sign and a
// duration of more than 292 years.
func ParseDuration(s string) (time.Duration, error) {
	bad := fmt.Errorf("parse duration %q: want a form like 90m, 2h, 7d or 4w", s)
	var sum time.Duration
	rest := s
	for _, unit := range []struct {
		letter string
		length time.Duration
	}{{"w", 7 * day}, {"d", day}} {
		number, after, ok := strings.Cut(rest, unit.letter)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(number, 10, 64)
		if err != nil || n > uint64((math.MaxInt64-sum)/unit.length) {
			return 0, bad
		}
		sum += time.Duration(n) * unit.length
		rest = after
	}
	if rest == "" && s != "" {
		return sum, nil
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d < 0 || d > math.MaxInt64-sum || strings.ContainsAny(rest, "+-") {
		return 0, bad
	}
	return sum + d, nil
}

// FormatDuration returns a short form that [ParseDuration] reads back, unless d
// is negative: "2h" rather than "2h0m0s", "30d" rather than "720h".
func FormatDuration(d time.Duration) string {
	if d != 0 && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
