package picture

import (
	"fmt"
	"math"
	"time"

	"firn/session"
	"firn/snapshot"
)

// Kind is a kind of mark. It is also the class of the mark in a page.
type Kind string

// The kinds, in the order in which they matter within a lane.
const (
	Copy       Kind = "copy"       // any snapshot
	Checked    Kind = "checked"    // it was verified after it was taken, and was sound
	Unsound    Kind = "unsound"    // it was not found sound
	Suspect    Kind = "suspect"    // its image is probably not meant
	Ahead      Kind = "ahead"      // of a time to come
	Pinned     Kind = "pinned"     // retention never removes it
	PreRestore Kind = "prerestore" // a restore has taken it of what it was about to replace
	Watched    Kind = "watched"    // every state is there
	Hole       Kind = "hole"       // no copy was taken for too long
)

// Symbol is a mark of the legend.
type Symbol struct {
	Kind
	Path string
	Text string
}

// Lane is a row of the picture.
type Lane struct {
	Name  string
	Y     float64 // of the middle
	Bands []Band
	Marks []Mark
}

// Band is a length of time.
type Band struct {
	Kind
	X, Y, Width, Height float64
	Title               string
}

// Mark stands for the snapshots of nearly the same moment.
type Mark struct {
	Kind
	Path, Title string
	Link        string // to the snapshot, or to the part of the picture if there are several
	x           float64
	newest      *snapshot.Snapshot
	oldest      *snapshot.Snapshot
	count       int
}

// markStep is how near snapshots share a mark.
const markStep = 9.0

// lanes are the lanes of marks with their kinds. A mark for several snapshots has the kind that comes first.
func lanes() []struct {
	name  string
	kinds []Kind
} {
	return []struct {
		name  string
		kinds []Kind
	}{{"Copies", []Kind{Copy}}, {"Checked", []Kind{Checked}}, {"Attention", []Kind{Unsound, Suspect, Ahead}}, {"Kept aside", []Kind{Pinned, PreRestore}}}
}

// textOf says what a kind is, for the legend.
func textOf(k Kind) string {
	return map[Kind]string{
		Copy: "a copy; a taller mark stands for more", Checked: "restored and found sound", Unsound: "not sound", Suspect: "suspect: probably not what is meant",
		Ahead: "of a time to come: a clock was wrong", Pinned: "pinned: kept for good", PreRestore: "what a restore has replaced",
		Watched: "every state is there", Hole: "no copy was taken for too long",
	}[k]
}

// is reports whether a snapshot is of a kind.
func (k Kind) is(s *snapshot.Snapshot, now time.Time) bool {
	switch k {
	case Copy:
		return true
	case Checked:
		return s.Noted() && s.Verified.Sound()
	case Unsound:
		return s.Verified != nil && !s.Verified.Sound()
	case Suspect:
		return len(s.Suspect) > 0
	case Ahead:
		return s.Ahead(now)
	case Pinned:
		return s.Pinned
	case PreRestore:
		return session.PreRestore(s)
	}
	return false
}

// addLanes draws the lanes that have something.
func (t *Timeline) addLanes(s scale, h History, shown []*snapshot.Snapshot) {
	if bands := s.bands(h); len(bands) > 0 {
		t.addLane(Lane{Name: "Coverage", Bands: bands})
	}
	for _, l := range lanes() {
		var marks []Mark
		for _, kind := range l.kinds {
			marks = s.merge(marks, kind, shown, h.Now)
		}
		if len(marks) > 0 || len(t.Lanes) == 0 {
			t.addLane(Lane{Name: l.name, Marks: marks})
		}
	}
	for i := range t.Lanes {
		t.Lanes[i].finish(h)
	}
}

// addLane adds a lane below the others, and its kinds to the legend.
func (t *Timeline) addLane(l Lane) {
	l.Y = lanesTop + laneHeight*(float64(len(t.Lanes))+0.5)
	seen := make(map[Kind]bool)
	add := func(k Kind) {
		if !seen[k] {
			seen[k] = true
			t.Legend = append(t.Legend, Symbol{k, shape(k, 9, 9, 1), textOf(k)})
		}
	}
	for i := range l.Bands {
		b := &l.Bands[i]
		b.Y, b.Height = l.Y-bandHeight/2, bandHeight
		add(b.Kind)
	}
	for _, m := range l.Marks {
		add(m.Kind)
	}
	t.Lanes = append(t.Lanes, l)
}

// bandHeight is the height of a band.
const bandHeight = 12.0

// bands returns the watched window and the holes.
func (s scale) bands(h History) (bands []Band) {
	add := func(k Kind, span Span) {
		if span, ok := span.cut(s.Span); ok {
			x := s.x(span.From)
			title := fmt.Sprintf("%s, from %s to %s", textOf(k), h.write(span.From), h.write(span.To))
			bands = append(bands, Band{Kind: k, X: x, Width: max(3, s.x(span.To)-x), Title: title})
		}
	}
	for _, hole := range h.Holes {
		add(Hole, hole)
	}
	if !h.Watched.IsZero() {
		add(Watched, h.Watched)
	}
	return bands
}

// merge adds the marks of a kind. One that is too near to a mark of a kind that matters more is left out: the table has it.
func (s scale) merge(marks []Mark, k Kind, shown []*snapshot.Snapshot, now time.Time) []Mark {
	before := len(marks)
	for _, snap := range shown {
		if !k.is(snap, now) {
			continue
		}
		x := s.x(snap.Time)
		if n := len(marks); n > before && marks[n-1].x-x < markStep {
			marks[n-1].count++
			marks[n-1].oldest = snap
			continue
		}
		marks = append(marks, Mark{Kind: k, x: x, newest: snap, oldest: snap, count: 1})
	}
	kept := marks[:before]
	for _, m := range marks[before:] {
		if !isNear(marks[:before], m.x) {
			kept = append(kept, m)
		}
	}
	return kept
}

// isNear reports whether one of some marks is too near to a place.
func isNear(marks []Mark, x float64) bool {
	for _, m := range marks {
		if math.Abs(m.x-x) < markStep {
			return true
		}
	}
	return false
}

// finish draws the marks of a lane.
func (l *Lane) finish(h History) {
	for i := range l.Marks {
		m := &l.Marks[i]
		m.Path = shape(m.Kind, m.x, l.Y, m.count)
		m.Title = h.write(m.newest.Time) + ", " + textOf(m.Kind)
		m.Link = "/snapshots/" + m.newest.ID.String()
		if m.Kind == Copy {
			m.Title = h.write(m.newest.Time)
		}
		if m.count == 1 {
			continue
		}
		m.Title = fmt.Sprintf("%d of them, from %s to %s", m.count, h.write(m.oldest.Time), h.write(m.newest.Time))
		if span := (Span{m.oldest.Time, m.newest.Time}); h.Link != nil && span.To.Sub(span.From) >= shortestPart {
			m.Link = h.Link(span)
		}
	}
}

// shape draws a mark around a place. Each kind has a shape of its own.
func shape(k Kind, x, y float64, count int) string {
	switch k {
	case Checked: // a disc
		return fmt.Sprintf("M%.1f %.1fa4.5 4.5 0 1 1 9 0a4.5 4.5 0 1 1 -9 0z", x-4.5, y)
	case Unsound: // a cross
		return fmt.Sprintf("M%.1f %.1fl10 10m0 -10l-10 10", x-5, y-5)
	case Suspect: // a triangle
		return fmt.Sprintf("M%.1f %.1fl5.5 10h-11z", x, y-5.5)
	case Ahead: // an arrow
		return fmt.Sprintf("M%.1f %.1fl8 5l-8 5", x-5, y-5)
	case Pinned: // a diamond
		return fmt.Sprintf("M%.1f %.1fl5.5 5.5l-5.5 5.5l-5.5 -5.5z", x, y-5.5)
	case PreRestore: // a square
		return fmt.Sprintf("M%.1f %.1fh8v8h-8z", x-4, y-4)
	case Watched, Hole: // a piece of the band
		return fmt.Sprintf("M%.1f %.1fh16v10h-16z", x-8, y-5)
	}
	height := min(laneHeight-6, 8+3*math.Log2(float64(count))) // a bar
	return fmt.Sprintf("M%.1f %.1fh3v%.1fh-3z", x-1.5, y+(laneHeight-6)/2-height, height)
}
