package snapshot

import "time"

// ClockTolerance is how far ahead a snapshot may be of a right clock: clocks differ.
const ClockTolerance = 5 * time.Minute

// Ahead reports whether the snapshot is later than now by more than clocks differ: the
// clock was wrong that it was taken by, or the one is that says now.
func (s *Snapshot) Ahead(now time.Time) bool { return s.Time.After(now.Add(ClockTolerance)) }

// SplitAhead tells the snapshots that are ahead of now from the others. Both stay in the
// order of the list.
func SplitAhead(list []*Snapshot, now time.Time) (past, ahead []*Snapshot) {
	for _, s := range list {
		if s.Ahead(now) {
			ahead = append(ahead, s)
		} else {
			past = append(past, s)
		}
	}
	return past, ahead
}
