package snapshot

import (
	"cmp"
	"slices"
	"strings"
)

// Series names all snapshots of one database in one environment. Snapshots are compared within
// their series, and retention decides about a series as a whole.
type Series struct{ Environment, Database string }

// Series returns the series of s.
func (s *Snapshot) Series() Series { return Series{s.Environment, s.Database} }

// Compare orders series by their environments, then by their databases.
func (s Series) Compare(other Series) int {
	return cmp.Or(strings.Compare(s.Environment, other.Environment), strings.Compare(s.Database, other.Database))
}

// Gone returns the snapshots that s, or a note on s, records as forgotten.
func (s *Snapshot) Gone() []ID {
	if s.Forgotten == nil {
		return s.Forgot
	}
	return slices.Concat(s.Forgot, s.Forgotten.Snapshots)
}

// BySeries returns the snapshots of each series, in the order of the list.
func BySeries(list []*Snapshot) map[Series][]*Snapshot {
	found := make(map[Series][]*Snapshot)
	for _, s := range list {
		found[s.Series()] = append(found[s.Series()], s)
	}
	return found
}

// LastSequence returns the largest sequence number of the snapshots of the series, including
// those that were forgotten. It is 0 if there are none.
func (s Series) LastSequence(list []*Snapshot) uint64 {
	var last uint64
	for _, snap := range list {
		if snap.Series() != s {
			continue
		}
		last = max(last, snap.Sequence)
		if snap.Forgotten != nil {
			last = max(last, snap.Forgotten.Sequence)
		}
	}
	return last
}
