package snapshot

import (
	"fmt"
	"slices"
	"strings"
)

// Sound returns the snapshots of the list, in its order, that were verified and found sound, and
// about which [Doubt] says nothing. The list should hold all known snapshots of their series.
func Sound(list []*Snapshot) []*Snapshot {
	doubt := Doubt(list)
	var sound []*Snapshot
	for _, s := range list {
		if s.Verified.Sound() && doubt(s) == "" {
			sound = append(sound, s)
		}
	}
	return sound
}

// Doubt returns a function that says why a snapshot of the list should not pass for a sound one,
// although all of its bytes may be there. The function returns "" if nothing speaks against the
// snapshot. It objects to a suspect snapshot; to a stream in a series that also holds
// databases: verification only reads a stream to its end, which proves nothing about its content;
// and to a snapshot that [Unsettled] names.
func Doubt(list []*Snapshot) func(*Snapshot) string {
	databases := make(map[Series]bool)
	var last Series // most lists are of one series, or have the snapshots of one together
	for _, s := range list {
		if series := s.Series(); (series != last || len(databases) == 0) && !s.IsStream() {
			databases[series], last = true, series
		}
	}
	unsettled := Unsettled(list)
	return func(s *Snapshot) string {
		switch {
		case len(s.Suspect) > 0:
			return "it is suspect: " + strings.Join(s.Suspect, "; ")
		case s.IsStream() && databases[s.Series()]:
			return fmt.Sprintf("it is no database, and %s of %s has been one", s.Database, s.Environment)
		case unsettled[s] != nil:
			return fmt.Sprintf("it was not verified, and snapshot %s before it was found unsound", unsettled[s].ID.Short())
		}
		return ""
	}
}

// Unsettled returns for snapshots of the list that were proven sound as they were taken an older one of their series that a
// verification has found unsound. SQLite's own checks and an environment's own SQL may have found what a proof does not look for:
// so their finding stands until they have found nothing in a later snapshot.
func Unsettled(list []*Snapshot) map[*Snapshot]*Snapshot {
	if !slices.ContainsFunc(list, func(s *Snapshot) bool { return s.Verified.stands() }) {
		return nil
	}
	found := make(map[*Snapshot]*Snapshot)
	for _, series := range BySeries(list) {
		Sort(series)
		var unsound *Snapshot
		for _, s := range slices.Backward(series) {
			switch {
			case s.Verified.stands():
				unsound = s
			case unsound == nil || !s.Verified.Sound():
			case s.settles(unsound):
				unsound = nil
			default:
				found[s] = unsound
			}
		}
	}
	return found
}

// stands reports whether a finding is one that a proof may miss.
func (v *Verification) stands() bool {
	return v != nil && !v.Sound() && (v.BySQLite() || v.Proven())
}

// settles reports whether s, which is sound, takes back what was found in an older snapshot: SQLite has looked again, or, after a
// finding of an environment's own SQL, a verification has. A copy has the outcome in its record.
func (s *Snapshot) settles(unsound *Snapshot) bool {
	if unsound.Verified.Proven() {
		return s.Noted() || strings.HasSuffix(s.Verified.How, HowOwnSQL)
	}
	return s.Verified.BySQLite()
}

// IsStream reports whether a snapshot's image is not a database. A snapshot without an image, as in
// a simulation, is no stream.
func (s *Snapshot) IsStream() bool { return len(s.Images) > 0 && s.Image().Export == ExportStream }
