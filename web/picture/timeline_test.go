package picture_test

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"firn/repo"
	"firn/snapshot"
	"firn/tags"
	"firn/web/picture"
)

var now = time.Date(2026, 3, 15, 14, 3, 7, 0, time.UTC)

// taken is a snapshot of an age, and of a size in bytes.
func taken(age time.Duration, size int64) *snapshot.Snapshot {
	return &snapshot.Snapshot{ID: snapshot.NewID(), Time: now.Add(-age), Added: size / 10, Images: []snapshot.Image{{Size: size}}}
}

// link is the link to a part.
func link(s picture.Span) string { return "?" + s.Values().Encode() }

func draw(history ...*snapshot.Snapshot) *picture.Timeline {
	return picture.NewTimeline(picture.History{Snapshots: history, Now: now, Link: link})
}

// points reads the places of a curve.
func points(t *testing.T, text string) (all [][2]float64) {
	t.Helper()
	for _, pair := range strings.Fields(text) {
		x, y, _ := strings.Cut(pair, ",")
		px, err := strconv.ParseFloat(x, 64)
		if err != nil {
			t.Fatalf("%q in %q", pair, text)
		}
		py, err := strconv.ParseFloat(y, 64)
		if err != nil {
			t.Fatalf("%q in %q", pair, text)
		}
		all = append(all, [2]float64{px, py})
	}
	return all
}

// kinds returns the lanes by their names, with the kinds of their marks.
func kinds(t *picture.Timeline) string {
	var text []string
	for _, l := range t.Lanes {
		name := l.Name + ":"
		for _, b := range l.Bands {
			name += " " + string(b.Kind)
		}
		for _, m := range l.Marks {
			name += " " + string(m.Kind)
		}
		text = append(text, name)
	}
	return strings.Join(text, "; ")
}

func TestTimelineOfNothing(t *testing.T) {
	t.Parallel()
	if got := draw(); got != nil {
		t.Errorf("got %+v, want none", got)
	}
}

func TestTimelineOfOne(t *testing.T) {
	t.Parallel()
	for name, snap := range map[string]*snapshot.Snapshot{"Old": taken(400*24*time.Hour, 5000), "OfNow": taken(0, 5000), "Empty": taken(time.Hour, 0)} {
		got := draw(snap)
		if kinds(got) != "Copies: copy" || got.Lanes[0].Marks[0].Link != "/snapshots/"+snap.ID.String() || !strings.HasPrefix(got.Text, "1 copy, taken ") {
			t.Errorf("%s: got %s, %+v", name, kinds(got), got)
		}
		if len(points(t, got.Size)) != 1 || len(points(t, got.Area)) != 3 {
			t.Errorf("%s: got the curve %s", name, got.Size)
		}
	}
}

func TestTimelineOfOneSecond(t *testing.T) {
	t.Parallel()
	var history []*snapshot.Snapshot
	for range 50 {
		history = append(history, taken(time.Minute, 7000))
	}
	got := draw(history...)
	if kinds(got) != "Copies: copy" || !strings.HasPrefix(got.Lanes[0].Marks[0].Title, "50 of them, from 2026-03-15 14:02:07") {
		t.Errorf("got %s, %+v", kinds(got), got.Lanes[0].Marks)
	}
	if got.Lanes[0].Marks[0].Link != "/snapshots/"+history[0].ID.String() {
		t.Errorf("got a link to a part of no length: %s", got.Lanes[0].Marks[0].Link)
	}
}

// TestLinkOfManyHoldsAll follows the link of a mark: the part that it leads to has all of its snapshots.
func TestLinkOfManyHoldsAll(t *testing.T) {
	t.Parallel()
	newest, oldest := taken(100*24*time.Hour+time.Millisecond, 1), taken(100*24*time.Hour+10*time.Minute, 1)
	got := draw(taken(0, 1), newest, oldest).Lanes[0].Marks[1]
	query, err := url.ParseQuery(strings.TrimPrefix(got.Link, "?"))
	if err != nil {
		t.Fatal(err)
	}
	from, err := time.Parse(time.RFC3339, query.Get("from"))
	if err != nil {
		t.Fatal(err)
	}
	to, err := time.Parse(time.RFC3339, query.Get("to"))
	if err != nil {
		t.Fatal(err)
	}
	if span := (picture.Span{From: from, To: to}); !span.Has(newest.Time) || !span.Has(oldest.Time) || to.Sub(from) > 10*time.Minute+time.Second {
		t.Errorf("got %s, want from %v to %v", got.Link, oldest.Time, newest.Time)
	}
}

func TestTimelineRunsFromLeftToRight(t *testing.T) {
	t.Parallel()
	for name, part := range map[string]picture.Span{"Whole": {}, "Part": {From: now.Add(-40 * 24 * time.Hour), To: now}} {
		h := picture.History{Now: now, Part: part, Link: link}
		for day := range 40 {
			h.Snapshots = append(h.Snapshots, taken(time.Duration(day)*24*time.Hour, int64(100_000-day*1000)))
		}
		got := picture.NewTimeline(h)
		size, stored := points(t, got.Size), points(t, got.Stored)
		for i := range size {
			if i > 0 && (size[i][0] <= size[i-1][0] || size[i][1] > size[i-1][1] || stored[i][1] > stored[i-1][1]) {
				t.Errorf("%s: point %d is left of the one before, or below it: %v", name, i, size)
			}
			if size[i][0] < 96 || size[i][0] > 984 || size[i][1] < 16 || size[i][1] > 106 {
				t.Errorf("%s: point %v is outside", name, size[i])
			}
		}
		for i, tick := range got.Ticks {
			if tick.X < 96 || tick.X > 984 || tick.Text == "" {
				t.Errorf("%s: tick %d is %+v", name, i, tick)
			}
		}
		if len(got.Ticks) < 3 || len(got.Levels) < 2 || got.Levels[0].Text != "0" {
			t.Errorf("%s: got %v and %v", name, got.Ticks, got.Levels)
		}
	}
}

func TestEachKindHasItsShape(t *testing.T) {
	t.Parallel()
	bad := &snapshot.Verification{Time: now, How: snapshot.HowSQLite, Problem: "row 7 is missing"}
	good := &snapshot.Verification{Time: now, How: snapshot.HowSQLite}
	set, err := tags.New(repo.PreRestoreTag)
	if err != nil {
		t.Fatal(err)
	}
	var history []*snapshot.Snapshot
	for i, change := range []func(*snapshot.Snapshot){
		func(s *snapshot.Snapshot) { s.Time = now.Add(time.Hour) },
		func(s *snapshot.Snapshot) { s.Verified = bad },
		func(s *snapshot.Snapshot) { s.Suspect = []string{"it is empty"} },
		func(s *snapshot.Snapshot) { s.Verified = good },
		func(s *snapshot.Snapshot) { s.Pinned = true },
		func(s *snapshot.Snapshot) { s.Tags = set },
	} {
		s := taken(time.Duration(i+1)*24*time.Hour, 5000)
		change(s)
		history = append(history, s)
	}
	got := picture.NewTimeline(picture.History{
		Snapshots: history, Now: now, Watched: picture.Span{From: now.Add(-time.Hour), To: now}, Holes: []picture.Span{{From: now.Add(-90 * time.Hour), To: now.Add(-60 * time.Hour)}},
	})
	const want = "Coverage: hole watched; Copies: copy copy copy copy copy copy; Checked: checked; Attention: unsound suspect ahead; Kept aside: pinned prerestore"
	if kinds(got) != want {
		t.Errorf("got %s, want %s", kinds(got), want)
	}
	shapes, texts := make(map[string]picture.Kind), make(map[string]picture.Kind)
	for _, s := range got.Legend {
		if other, twice := shapes[s.Path]; twice && !(s.Kind == picture.Watched && other == picture.Hole) { // one of these is hatched
			t.Errorf("%s looks like %s", s.Kind, other)
		}
		if texts[s.Text] != "" || s.Text == "" {
			t.Errorf("%s is called as %q: %q", s.Kind, texts[s.Text], s.Text)
		}
		shapes[s.Path], texts[s.Text] = s.Kind, s.Kind
	}
	if len(got.Legend) != 9 {
		t.Errorf("the legend has %d kinds, want 9", len(got.Legend))
	}
}

func TestWhatMattersMostHidesTheRest(t *testing.T) {
	t.Parallel()
	bad, suspect := taken(time.Hour, 1), taken(time.Hour, 1)
	bad.Verified = &snapshot.Verification{Problem: "x"}
	suspect.Suspect = []string{"y"}
	if got := kinds(draw(suspect, bad)); got != "Copies: copy; Attention: unsound" {
		t.Errorf("got %s", got)
	}
}

func TestClockThatJumpedBack(t *testing.T) {
	t.Parallel()
	history := []*snapshot.Snapshot{taken(-48*time.Hour, 9000), taken(-47*time.Hour, 9000), taken(time.Hour, 8000)}
	got := draw(history...)
	if kinds(got) != "Copies: copy copy; Attention: ahead" {
		t.Errorf("got %s", kinds(got))
	}
	for _, p := range points(t, got.Size) {
		if p[0] > 984 {
			t.Errorf("point %v is outside", p)
		}
	}
}

func TestTimelineOfVeryMany(t *testing.T) {
	t.Parallel()
	history := make([]*snapshot.Snapshot, 100_000)
	for i := range history {
		history[i] = taken(time.Duration(i)*10*time.Second, int64(1_000_000-i))
	}
	got := draw(history...)
	marks := len(got.Lanes[0].Marks)
	if n := len(points(t, got.Size)); marks > 120 || n > 700 || marks < 20 {
		t.Errorf("got %d marks and %d points: too many for a page", marks, n)
	}
	if !strings.HasPrefix(got.Text, "100000 copies: ") {
		t.Errorf("got %s", got.Text)
	}
}

func TestPartsMakeTheWhole(t *testing.T) {
	t.Parallel()
	for name, part := range map[string]picture.Span{"Whole": {}, "Part": {From: now.Add(-24 * time.Hour), To: now}} {
		var spans []picture.Span
		got := picture.NewTimeline(picture.History{
			Snapshots: []*snapshot.Snapshot{taken(time.Minute, 1), taken(90*24*time.Hour, 1)}, Now: now, Part: part,
			Link: func(s picture.Span) string { spans = append(spans, s); return fmt.Sprint(len(spans)) },
		})
		if len(got.Parts) < 20 {
			t.Fatalf("%s: got %d parts", name, len(got.Parts))
		}
		oldest := now.Add(-90 * 24 * time.Hour)
		if !part.IsZero() {
			oldest = part.From
		}
		if off := spans[0].From.Sub(oldest).Abs(); off > time.Second {
			t.Errorf("%s: the first part begins %v off", name, off)
		}
		for i := range len(got.Parts) - 1 {
			if off := spans[i+1].From.Sub(spans[i].To).Abs(); off > time.Second {
				t.Errorf("%s: part %d begins %v off", name, i+1, off)
			}
		}
	}
	short := picture.Span{From: now.Add(-10 * time.Minute), To: now}
	if got := picture.NewTimeline(picture.History{Snapshots: []*snapshot.Snapshot{taken(0, 1)}, Now: now, Part: short, Link: link}); len(got.Parts) != 0 {
		t.Errorf("ten minutes have %d parts to make larger, want 0", len(got.Parts))
	}
}

func TestTicksAreRound(t *testing.T) {
	t.Parallel()
	for length, want := range map[time.Duration]string{
		time.Minute: "14:02:15 14:02:20", 10 * time.Minute: "13:54 13:55", time.Hour: "13:05 13:10", 24 * time.Hour: "15:00 18:00",
		7 * 24 * time.Hour: "9 Mar 10 Mar", 31 * 24 * time.Hour: "19 Feb 26 Feb", 366 * 24 * time.Hour: "Apr 2025 May 2025", 20 * 365 * 24 * time.Hour: "2010 2015",
	} {
		got := picture.NewTimeline(picture.History{Snapshots: []*snapshot.Snapshot{taken(0, 1)}, Now: now, Part: picture.Span{From: now.Add(-length), To: now}})
		var texts []string
		for _, tick := range got.Ticks {
			texts = append(texts, tick.Text)
		}
		if joined := strings.Join(texts, " "); !strings.Contains(joined, want) || len(got.Ticks) < 2 || len(got.Ticks) > 14 {
			t.Errorf("%v: got %q, want %q in it", length, joined, want)
		}
	}
}

func TestSparkline(t *testing.T) {
	t.Parallel()
	if got := picture.Sparkline([]*snapshot.Snapshot{taken(0, 1)}); got != "" {
		t.Errorf("one snapshot: got %q", got)
	}
	got := points(t, picture.Sparkline([]*snapshot.Snapshot{taken(0, 200), taken(time.Hour, 100)}))
	if len(got) != 2 || got[0][0] >= got[1][0] || got[0][1] <= got[1][1] {
		t.Errorf("got %v, want a line that rises", got)
	}
}
