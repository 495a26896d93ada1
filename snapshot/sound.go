package snapshot

import (
	"fmt"
	"strings"
)

// Sound returns those of the list, in its order, that were verified and found sound, and that
// [Doubt] has nothing against. The list should hold all that is known of their series.
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

// Doubt returns a function that says why a snapshot of the list is not what somebody wants who
// asks for a sound one, though every byte of it may be there; "" if nothing is against it.
// It is suspect, or no database in a series that holds databases: that such a one was read
// to its end says nothing of what is in it.
func Doubt(list []*Snapshot) func(*Snapshot) string {
	databases := make(map[Series]bool)
	for _, s := range list {
		if !s.isStream() {
			databases[s.Series()] = true
		}
	}
	return func(s *Snapshot) string {
		switch {
		case len(s.Suspect) > 0:
			return "it is suspect: " + strings.Join(s.Suspect, "; ")
		case s.isStream() && databases[s.Series()]:
			return fmt.Sprintf("it is no database, and %s of %s has been one", s.Database, s.Environment)
		}
		return ""
	}
}

// isStream reports whether a snapshot is of no database. One without an image, as a simulation has them, is not.
func (s *Snapshot) isStream() bool { return len(s.Images) > 0 && s.Image().Export == ExportStream }
