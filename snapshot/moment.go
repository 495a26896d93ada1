package snapshot

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// timeShape is the layout of a time that can be cut off behind any complete part; see [Find].
const timeShape = "2006-01-02T15:04:05.000000"

// ParseTime returns the moment at which a time begins that is written as [Find] takes it: in RFC 3339 with its zone, or down
// to any complete part in loc, nil for UTC. So 2026-03-15 is its midnight, and 2026-03-15T03:12:05 the beginning of that
// second. If the clocks show a time twice, when summer time ends, it is the later one.
func ParseTime(text string, loc *time.Location) (time.Time, error) {
	if loc == nil {
		loc = time.UTC
	}
	text = withT(text)
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t.UTC(), nil
	}
	t, err := time.ParseInLocation(timeShape[:min(len(text), len("2006-01-02T15:04:05"))], text, loc)
	if err != nil || !isTimePrefix(text) {
		return time.Time{}, fmt.Errorf("%q is not a time like 2026-03-15T03:12:05", text)
	}
	return secondOf(t), nil
}

// secondOf returns the later one of two moments that the clocks of t's place show as the same time. The shift is an hour in
// most places, and half of one on Lord Howe Island.
func secondOf(t time.Time) time.Time {
	for _, shift := range []time.Duration{time.Hour, time.Hour / 2} {
		if later := t.Add(shift); later.Format(timeShape) == t.Format(timeShape) {
			return later.UTC()
		}
	}
	return t.UTC()
}

// NotAfter returns the snapshots of the list that are not later than a moment, in their order. If there are none, the error
// matches [ErrNotFound], and says in loc, nil for UTC, from when to when there are snapshots.
func NotAfter(list []*Snapshot, moment time.Time, loc *time.Location) ([]*Snapshot, error) {
	var found []*Snapshot
	for _, s := range list {
		if !s.Time.After(moment) {
			found = append(found, s)
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%w: there is none", ErrNotFound)
	}
	if loc == nil {
		loc = time.UTC
	}
	exact := func(t time.Time) string { return t.In(loc).Format("2006-01-02 15:04:05.999999 MST") }
	return nil, fmt.Errorf("%w from %s or before: the oldest is of %s, the newest of %s", ErrNotFound, exact(moment),
		exact(slices.MaxFunc(list, compare).Time), exact(slices.MinFunc(list, compare).Time))
}

// At returns the newest snapshot of the list, in any order, that is not later than a moment. If there is none, the error is
// that of [NotAfter]. If there are such snapshots of several environments, the moment does not say which is meant: then the
// error is an [*AmbiguousError] with the reference ref and the newest one of each environment.
func At(list []*Snapshot, moment time.Time, loc *time.Location, ref string) (*Snapshot, error) {
	list, err := NotAfter(list, moment, loc)
	if err != nil {
		return nil, err
	}
	best := make(map[string]*Snapshot)
	for _, s := range list {
		if other := best[s.Environment]; other == nil || compare(s, other) < 0 {
			best[s.Environment] = s
		}
	}
	return single(ref, slices.Collect(maps.Values(best))...)
}
