package snapshot

import (
	"fmt"
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
// snapshot. It objects to a suspect snapshot, and to a stream in a series that also holds
// databases: verification only reads a stream to its end, which proves nothing about its content.
func Doubt(list []*Snapshot) func(*Snapshot) string {
	databases := make(map[Series]bool)
	for _, s := range list {
		if !s.IsStream() {
			databases[s.Series()] = true
		}
	}
	return func(s *Snapshot) string {
		switch {
		case len(s.Suspect) > 0:
			return "it is suspect: " + strings.Join(s.Suspect, "; ")
		case s.IsStream() && databases[s.Series()]:
			return fmt.Sprintf("it is no database, and %s of %s has been one", s.Database, s.Environment)
		}
		return ""
	}
}

// IsStream reports whether a snapshot's image is not a database. A snapshot without an image, as in
// a simulation, is no stream.
func (s *Snapshot) IsStream() bool { return len(s.Images) > 0 && s.Image().Export == ExportStream }
