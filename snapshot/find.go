package snapshot

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"firn/tags"
)

// minPrefix is the least number of digits that can name a snapshot.
const minPrefix = 4

const (
	latest = "latest"
	// LatestVerified is the reference to the newest snapshot that was found sound, see
	// [Sound].
	LatestVerified = "latest-verified"
)

// ErrNotFound is returned, wrapped with the reference, when no snapshot matches.
var ErrNotFound = errors.New("no such snapshot")

// AmbiguousError is returned when a reference can mean several snapshots.
type AmbiguousError struct {
	Ref        string
	Candidates []*Snapshot // newest first
}

// Error lists the candidates by ID and time.
func (e *AmbiguousError) Error() string {
	const most = 10 // a line with so many fits a terminal
	var b strings.Builder
	fmt.Fprintf(&b, "snapshot %q is ambiguous: ", e.Ref)
	for i, s := range e.Candidates {
		if i == most {
			fmt.Fprintf(&b, ", and %d more", len(e.Candidates)-most)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s (%s)", e.shown(s.ID), s.Time.UTC().Format("2006-01-02 15:04:05 MST"))
	}
	return b.String()
}

// shown returns enough of id to distinguish the candidates.
func (e *AmbiguousError) shown(id ID) string {
	if _, isID := idPrefix(e.Ref); !isID || len(e.Ref) < shortLen {
		return id.Short()
	}
	return id.String()
}

// Filter selects snapshots. Empty fields select all.
type Filter struct {
	Environment string
	Database    string
	Tags        tags.Filter
}

// Match reports whether the filter selects s.
func (f Filter) Match(s *Snapshot) bool {
	return (f.Environment == "" || f.Environment == s.Environment) &&
		(f.Database == "" || f.Database == s.Database) &&
		f.Tags.Match(s.Tags)
}

// Sort orders the list from newest to oldest; equal times by ID.
func Sort(list []*Snapshot) { slices.SortFunc(list, compare) }

func compare(a, b *Snapshot) int {
	if c := b.Time.Compare(a.Time); c != 0 {
		return c
	}
	return slices.Compare(a.ID[:], b.ID[:])
}

// Latest returns the newest snapshot of an environment and a database, in any
// order of the list, or nil if there is none. An empty name means any.
func Latest(list []*Snapshot, environment, database string) *Snapshot {
	return newest(list, Filter{Environment: environment, Database: database}.Match)
}

// newest returns the first matching snapshot in the order of [Sort], or nil.
func newest(list []*Snapshot, match func(*Snapshot) bool) *Snapshot {
	var best *Snapshot
	for _, s := range list {
		if match(s) && (best == nil || compare(s, best) < 0) {
			best = s
		}
	}
	return best
}

// Find returns the snapshot of the list, in any order, that ref means:
//
//   - an ID, or at least 4 digits of its beginning, in either case
//   - "latest", the newest of all; "latest:ENV", the newest of an environment
//   - "latest-verified" and "latest-verified:ENV", the newest of the snapshots whose
//     last verification restored them and found them sound, see [Sound]
//   - the beginning of a time in loc (nil means UTC), down to a part of it that
//     is complete: 2026, 2026-03, 2026-03-15, 2026-03-15T03, 2026-03-15T03:12,
//     2026-03-15T03:12:05, or with a fraction; a space may stand for the T.
//     It means the newest match. In the hour that is repeated when summer time
//     ends, that is the later snapshot.
//   - a time in RFC 3339 with its zone, down to the fraction that is given
//
// Four digits can be both a year and the beginning of an ID. The reference is ambiguous if
// the two readings match different snapshots, and also if it is the beginning of several
// IDs. Then the error is an [*AmbiguousError], and no snapshot is returned. If no snapshot
// matches, the error matches [ErrNotFound].
func Find(list []*Snapshot, ref string, loc *time.Location) (*Snapshot, error) {
	if word, env, colon := strings.Cut(ref, ":"); colon == (env != "") {
		switch among := (Filter{Environment: env}); word {
		case latest:
			return single(ref, newest(list, among.Match))
		case LatestVerified:
			best := newest(Sound(list), among.Match)
			if best == nil {
				return nil, fmt.Errorf("%w: %q: none was verified and found sound", ErrNotFound, ref)
			}
			return best, nil
		}
	}
	byID, isID := idPrefix(ref)
	byTime, isTime := timePrefix(ref, loc)
	if !isID && !isTime {
		return nil, fmt.Errorf("%w: %q is not an ID of at least %d digits, latest, latest-verified, either with :ENV, or a time like 2026-03-15T03:12",
			ErrNotFound, ref, minPrefix)
	}
	var found []*Snapshot
	for _, s := range list {
		if isID && byID(s) {
			found = append(found, s)
		}
	}
	if isTime {
		found = append(found, newest(list, byTime))
	}
	return single(ref, found...)
}

// MayMean reports whether a reference for [Find] could mean a snapshot that has this time
// and otherwise unknown content. It considers latest, latest-verified and times, but not
// IDs.
func MayMean(ref string, t time.Time, loc *time.Location) bool {
	if word, env, colon := strings.Cut(ref, ":"); colon == (env != "") && (word == latest || word == LatestVerified) {
		return true
	}
	byTime, isTime := timePrefix(ref, loc)
	return isTime && byTime(&Snapshot{Time: t})
}

// single returns the snapshot if found holds only one, once or several times. It ignores
// nil entries.
func single(ref string, found ...*Snapshot) (*Snapshot, error) {
	found = slices.DeleteFunc(found, func(s *Snapshot) bool { return s == nil })
	Sort(found)
	found = slices.CompactFunc(found, func(a, b *Snapshot) bool { return a.ID == b.ID })
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("%w: %q", ErrNotFound, ref)
	case 1:
		return found[0], nil
	}
	return nil, &AmbiguousError{Ref: ref, Candidates: found}
}

// idPrefix returns a match for ref as the beginning of an ID.
func idPrefix(ref string) (match func(*Snapshot) bool, ok bool) {
	prefix := strings.ToLower(ref)
	digits := strings.Trim(prefix, "0123456789abcdef") == ""
	return func(s *Snapshot) bool { return strings.HasPrefix(s.ID.String(), prefix) },
		digits && len(prefix) >= minPrefix && len(prefix) <= 2*IDLen
}

// timePrefix returns a match for ref as the beginning of a time.
func timePrefix(ref string, loc *time.Location) (match func(*Snapshot) bool, ok bool) {
	if loc == nil {
		loc = time.UTC
	}
	prefix := withT(ref)
	if t, err := time.Parse(time.RFC3339Nano, prefix); err == nil {
		prefix, loc = t.UTC().Format("2006-01-02T15:04:05.999999"), time.UTC
	}
	return func(s *Snapshot) bool {
		return strings.HasPrefix(s.Time.In(loc).Format(timeShape), prefix)
	}, isTimePrefix(prefix)
}

// withT returns a time with T between the day and the hour, where a space may stand.
func withT(text string) string { return strings.Replace(text, " ", "T", 1) }

// isTimePrefix reports whether s looks like the beginning of a time and ends
// with a complete part: "2026-1" must not mean October to December.
func isTimePrefix(s string) bool {
	const shape = "0000-00-00T00:00:00.000000"
	switch len(s) {
	case 4, 7, 10, 13, 16, 19, 21, 22, 23, 24, 25, 26:
	default:
		return false
	}
	for i := range len(s) {
		isDigit := s[i] >= '0' && s[i] <= '9'
		if shape[i] == '0' && !isDigit || shape[i] != '0' && s[i] != shape[i] {
			return false
		}
	}
	return true
}
