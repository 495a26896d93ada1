package snapshot

import (
	"slices"
	"time"
)

// leastFolded is the least number of snapshots in a fold: two lines tell more than one.
const leastFolded = 3

// Fold is a line in a list of snapshots for people: one snapshot, or several snapshots of one series that the rounds of a watch
// took, in the order of [Sort].
type Fold []*Snapshot

// Newest returns the newest snapshot of the fold.
func (f Fold) Newest() *Snapshot { return f[0] }

// Oldest returns the oldest snapshot of the fold.
func (f Fold) Oldest() *Snapshot { return f[len(f)-1] }

// Added returns the number of bytes by which the repository grew.
func (f Fold) Added() (sum int64) {
	for _, s := range f {
		sum += s.Added
	}
	return sum
}

// Unfolded returns a line for each snapshot of a list.
func Unfolded(list []*Snapshot) []Fold {
	lines := make([]Fold, len(list))
	for i, s := range list {
		lines[i] = Fold{s}
	}
	return lines
}

// FoldRounds returns the lines of a list, in its order. Where a series has at least 3 snapshots of rounds within an hour of the
// day of now, or within an earlier day, they make one line, at the place of the newest of them. The time zone is loc, nil for
// UTC. Each of these has a line of its own:
//
//   - the newest snapshot of its series that is not ahead of now
//   - a snapshot with a record of its own: its Round is zero
//   - one that a person may look for: it is pinned or suspect, it was verified after it was taken or is not sound, a restore has
//     replaced it, its note cannot be read, it is ahead of now, or its tags are not those of most others of its line
func FoldRounds(list []*Snapshot, now time.Time, loc *time.Location) []Fold {
	if loc == nil {
		loc = time.UTC
	}
	folds := foldsOf(list, now, loc)
	var lines []Fold
	for _, s := range list {
		switch fold := folds[s]; {
		case fold == nil:
			lines = append(lines, Fold{s})
		case fold.Newest() == s:
			lines = append(lines, fold)
		}
	}
	return lines
}

// period is what the snapshots of a fold have in common.
type period struct {
	series Series
	time   string // an hour or a day
}

// foldsOf returns the folds of the snapshots that have no line of their own.
func foldsOf(list []*Snapshot, now time.Time, loc *time.Location) map[*Snapshot]Fold {
	today := now.In(loc).Format(time.DateOnly)
	newest := newestOfEach(list, now)
	periods := make(map[period]Fold)
	for _, s := range list {
		if s == newest[s.Series()] || s.standsOut(now) {
			continue
		}
		p := period{s.Series(), s.Time.In(loc).Format(time.DateOnly)}
		if p.time >= today {
			p.time = s.Time.In(loc).Format("2006-01-02 15 MST") // summer time may end, and the hour come twice
		}
		periods[p] = append(periods[p], s)
	}
	folds := make(map[*Snapshot]Fold)
	for _, fold := range periods {
		usual := fold.usualTags()
		fold = slices.DeleteFunc(fold, func(s *Snapshot) bool { return s.Tags.String() != usual })
		if len(fold) < leastFolded {
			continue
		}
		Sort(fold)
		for _, s := range fold {
			folds[s] = fold
		}
	}
	return folds
}

// newestOfEach returns the newest snapshot of each series that is not ahead of now.
func newestOfEach(list []*Snapshot, now time.Time) map[Series]*Snapshot {
	found := make(map[Series]*Snapshot)
	for _, s := range list {
		if best := found[s.Series()]; !s.Ahead(now) && (best == nil || compare(s, best) < 0) {
			found[s.Series()] = s
		}
	}
	return found
}

// standsOut reports whether a person may look for the snapshot, whatever its neighbours are.
func (s *Snapshot) standsOut(now time.Time) bool {
	return s.Round.IsZero() || s.Ahead(now) || s.Pinned || len(s.Suspect) > 0 || s.judged() ||
		!s.ReplacedBy.IsZero() || s.NoUndo != nil || s.NoteUnread
}

// judged reports whether a person has had all of the snapshot checked, or it is not sound. Nearly every snapshot was proven when
// it was taken, and a drill that finds nothing is no news.
func (s *Snapshot) judged() bool {
	return s.Noted() && s.Verified.Whole.IsZero() || s.Verified != nil && !s.Verified.Sound()
}

// usualTags returns the tags that most snapshots of the fold have: those of a watched environment. A person that tags one of them
// makes it an exception.
func (f Fold) usualTags() (usual string) {
	count := make(map[string]int)
	for _, s := range f {
		count[s.Tags.String()]++
	}
	for text, n := range count {
		if n > count[usual] || n == count[usual] && text < usual {
			usual = text
		}
	}
	return usual
}
