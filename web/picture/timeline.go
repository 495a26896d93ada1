// Package picture draws histories as parts of pages: numbers and paths for SVG, which templates write.
package picture

import (
	"fmt"
	"net/url"
	"time"

	"firn/report"
	"firn/snapshot"
)

// History is what a [Timeline] is of.
type History struct {
	Snapshots []*snapshot.Snapshot // of one database, the newest first
	Now       time.Time
	Zone      *time.Location
	Part      Span              // that is shown; zero for the whole
	Watched   Span              // from where to where every state is there; zero for none
	Holes     []Span            // in which no copy was taken, for longer than is allowed
	Link      func(Span) string // to the page with a part of the picture; nil for none
}

// Timeline is the picture of a history: the growth of the database, and below it a lane for each kind of mark, so that kinds differ by
// place, shape and word, and not by colour alone.
type Timeline struct {
	Growth
	Lanes  []Lane
	Ticks  []Tick
	Parts  []Part // that a click makes larger
	Legend []Symbol
	Ground float64 // the height of the scale
	Height float64
	Text   string // says what the picture shows
}

// Part is a part of the picture with the link that makes it larger.
type Part struct {
	X, Width    float64
	Link, Title string
}

// The parts of the picture, in the units of its view box.
const (
	left       = 96.0
	right      = 984.0
	lanesTop   = 118.0
	laneHeight = 24.0
	partCount  = 24
)

// shortestPart is the length of time that cannot be made larger.
const shortestPart = time.Minute

// NewTimeline draws a history, nil for one without snapshots.
func NewTimeline(h History) *Timeline {
	if len(h.Snapshots) == 0 {
		return nil
	}
	if h.Zone == nil {
		h.Zone = time.UTC
	}
	s := h.scale()
	shown := h.shown()
	t := &Timeline{Ticks: s.ticks(h.Zone)}
	t.Growth = newGrowth(s, shown)
	t.addLanes(s, h, shown)
	t.Ground = lanesTop + laneHeight*float64(len(t.Lanes))
	t.Height = t.Ground + 26
	if h.Link != nil {
		t.Parts = s.parts(h)
	}
	t.Text = describe(shown, h.Now)
	return t
}

// scale returns the scale of the part that is shown.
func (h History) scale() scale {
	if !h.Part.IsZero() {
		return newScale(h.Part, false)
	}
	oldest := h.Snapshots[len(h.Snapshots)-1].Time
	if least := h.Now.Add(-time.Hour); oldest.After(least) {
		oldest = least
	}
	return newScale(Span{oldest, h.Now}, true)
}

// shown returns the snapshots of the part.
func (h History) shown() (shown []*snapshot.Snapshot) {
	for _, s := range h.Snapshots {
		if h.Part.Has(s.Time) {
			shown = append(shown, s)
		}
	}
	return shown
}

// describe says in words what a picture shows.
func describe(shown []*snapshot.Snapshot, now time.Time) string {
	if len(shown) == 0 {
		return "No copy is of this time"
	}
	newest, oldest := shown[0], shown[len(shown)-1]
	if len(shown) == 1 {
		return "1 copy, taken " + report.Ago(now.Sub(newest.Time))
	}
	return fmt.Sprintf("%d copies: the oldest was taken %s, the newest %s", len(shown), report.Ago(now.Sub(oldest.Time)), report.Ago(now.Sub(newest.Time)))
}

// parts divides the picture into parts that a click makes larger.
func (s scale) parts(h History) (parts []Part) {
	const width = (right - left) / partCount
	for i := range partCount {
		x := left + float64(i)*width
		span := Span{s.at(x), s.at(x + width)}
		if span.To.Sub(span.From) < shortestPart {
			continue
		}
		title := fmt.Sprintf("From %s to %s", h.write(span.From), h.write(span.To))
		parts = append(parts, Part{X: x, Width: width, Link: h.Link(span), Title: title})
	}
	return parts
}

// write writes a time for people.
func (h History) write(t time.Time) string { return t.In(h.Zone).Format("2006-01-02 15:04:05") }

// Values returns the span as parameters of a URL, in whole seconds that hold all of it.
func (s Span) Values() url.Values {
	to := s.To.Add(time.Second - 1).Truncate(time.Second)
	return url.Values{"from": {s.From.UTC().Format(time.RFC3339)}, "to": {to.UTC().Format(time.RFC3339)}}
}
