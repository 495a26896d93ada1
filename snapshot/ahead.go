package snapshot

import "time"

// ClockTolerance is how far a snapshot's time may be ahead of a correct clock, because
// the clocks of hosts differ a little.
const ClockTolerance = 5 * time.Minute

// Ahead reports whether the snapshot is later than now by more than [ClockTolerance].
// Then either the clock of the host that took it was wrong, or the clock that gives now
// is.
func (s *Snapshot) Ahead(now time.Time) bool { return s.Time.After(now.Add(ClockTolerance)) }

// SplitAhead separates the snapshots that are ahead of now from the others. Both results
// are in the order of the list.
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
