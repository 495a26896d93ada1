package picture

import (
	"math"
	"time"
)

// Span is a part of a history.
type Span struct{ From, To time.Time }

// IsZero reports whether the span stands for none, or for all.
func (s Span) IsZero() bool { return s.From.IsZero() && s.To.IsZero() }

// Has reports whether a time is within the span; the zero span has all.
func (s Span) Has(t time.Time) bool {
	return s.IsZero() || !t.Before(s.From) && !t.After(s.To)
}

// cut returns the part of a span that is within another one, and whether there is one.
func (s Span) cut(within Span) (Span, bool) {
	if s.From.Before(within.From) {
		s.From = within.From
	}
	if s.To.After(within.To) {
		s.To = within.To
	}
	return s, !s.IsZero() && !s.To.Before(s.From)
}

// scale places times on a picture, the newest on the right. Retention thins what is old: so the scale of a whole history is that of
// the logarithm of the age. A part of it has a linear scale.
type scale struct {
	Span
	logarithmic bool
}

// ageUnit is how many seconds the logarithmic scale takes for one: it is almost linear below.
const ageUnit = 60.0

// leastSpan is the length of the shortest picture.
const leastSpan = time.Second

func newScale(s Span, logarithmic bool) scale {
	if s.To.Sub(s.From) < leastSpan {
		s.From = s.To.Add(-leastSpan)
	}
	return scale{s, logarithmic}
}

// x returns the place of a time. Times outside are at the edges.
func (s scale) x(t time.Time) float64 {
	whole, age := s.To.Sub(s.From).Seconds(), max(0, s.To.Sub(t).Seconds())
	part := age / whole
	if s.logarithmic {
		part = math.Log1p(age/ageUnit) / math.Log1p(whole/ageUnit)
	}
	return right - min(1, part)*(right-left)
}

// at returns the time at a place.
func (s scale) at(x float64) time.Time {
	whole, part := s.To.Sub(s.From).Seconds(), (right-x)/(right-left)
	age := part * whole
	if s.logarithmic {
		age = ageUnit * math.Expm1(part*math.Log1p(whole/ageUnit))
	}
	return s.To.Add(-time.Duration(age * float64(time.Second)))
}

// Tick is a time on the scale.
type Tick struct {
	X    float64
	Text string
}

// ticks returns what is written along the scale.
func (s scale) ticks(zone *time.Location) []Tick {
	if s.logarithmic {
		return s.ages()
	}
	return s.times(zone)
}

// tickDistance is how far ticks are apart at least, and tickRoom how far the text of one reaches to its right.
const (
	tickDistance = 66.0
	tickRoom     = 16.0
)

// ages returns round ages.
func (s scale) ages() []Tick {
	ticks := []Tick{{right, "now"}}
	const hour, day = time.Hour, 24 * time.Hour
	for _, age := range []struct {
		age  time.Duration
		text string
	}{
		{10 * time.Minute, "10 min"}, {hour, "1 h"}, {6 * hour, "6 h"}, {day, "1 day"}, {7 * day, "1 week"}, {30 * day, "1 month"},
		{182 * day, "6 months"}, {365 * day, "1 year"}, {5 * 365 * day, "5 years"},
	} {
		x := s.x(s.To.Add(-age.age))
		if age.age <= s.To.Sub(s.From) && ticks[len(ticks)-1].X-x >= tickDistance {
			ticks = append(ticks, Tick{x, age.text})
		}
	}
	return ticks
}

// step is a distance of ticks, and how their times are written.
type step struct {
	length time.Duration
	months int // instead of a length that is not always the same
	days   int
	layout string
}

func steps() []step {
	const second, minute, hour, day = time.Second, time.Minute, time.Hour, 24 * time.Hour
	return []step{
		{length: second, layout: "15:04:05"}, {length: 5 * second, layout: "15:04:05"}, {length: 15 * second, layout: "15:04:05"},
		{length: minute, layout: "15:04"}, {length: 5 * minute, layout: "15:04"}, {length: 15 * minute, layout: "15:04"},
		{length: hour, layout: "15:04"}, {length: 3 * hour, layout: "15:04"}, {length: 6 * hour, layout: "15:04"}, {length: 12 * hour, layout: "15:04"},
		{length: day, days: 1, layout: "2 Jan"}, {length: 2 * day, days: 2, layout: "2 Jan"}, {length: 7 * day, days: 7, layout: "2 Jan"},
		{length: 30 * day, months: 1, layout: "Jan 2006"}, {length: 91 * day, months: 3, layout: "Jan 2006"},
		{length: 365 * day, months: 12, layout: "2006"}, {length: 5 * 365 * day, months: 60, layout: "2006"},
	}
}

// times returns round times of a time zone.
func (s scale) times(zone *time.Location) (ticks []Tick) {
	const most = (right - left) / tickDistance
	all := steps()
	chosen := all[len(all)-1]
	for _, st := range all {
		if s.To.Sub(s.From).Seconds()/st.length.Seconds() <= most {
			chosen = st
			break
		}
	}
	for t := chosen.begin(s.From.In(zone)); !t.After(s.To); t = chosen.next(t) {
		x := s.x(t)
		if t.Before(s.From) || x > right-tickRoom {
			continue
		}
		layout := chosen.layout
		if hour, minute, second := t.Clock(); chosen.days+chosen.months == 0 && hour+minute+second == 0 {
			layout = "2 Jan" // the hour says less
		}
		ticks = append(ticks, Tick{x, t.Format(layout)})
	}
	return ticks
}

// begin returns a round time that is not after another one.
func (st step) begin(t time.Time) time.Time {
	year, month, day := t.Date()
	switch {
	case st.months >= 12:
		return time.Date(year-year%(st.months/12), 1, 1, 0, 0, 0, 0, t.Location())
	case st.months > 0:
		return time.Date(year, 1, 1, 0, 0, 0, 0, t.Location())
	}
	midnight := time.Date(year, month, day, 0, 0, 0, 0, t.Location())
	if st.days > 0 {
		return midnight
	}
	return midnight.Add(t.Sub(midnight).Truncate(st.length))
}

// next returns the round time after one.
func (st step) next(t time.Time) time.Time {
	if st.months+st.days > 0 {
		return t.AddDate(0, st.months, st.days)
	}
	return t.Add(st.length)
}
