package snapshot

import "time"

// Upkeep holds the times at which a whole repository was last maintained, by any of its
// hosts. A note on the snapshot that was then the newest holds it. A zero time means never,
// as far as is known.
type Upkeep struct {
	Time    time.Time `json:"time"`             // of the latest, UTC, in microseconds
	Pruned  time.Time `json:"pruned,omitzero"`  // prune freed space, or found none to free
	Checked time.Time `json:"checked,omitzero"` // every byte was read and was sound
	Copied  time.Time `json:"copied,omitzero"`  // to another repository
}

// times returns the times that are known.
func (u *Upkeep) times() []*time.Time {
	times := []*time.Time{&u.Time}
	for _, t := range []*time.Time{&u.Pruned, &u.Checked, &u.Copied} {
		if !t.IsZero() {
			times = append(times, t)
		}
	}
	return times
}

// Later returns the later of the two times in each field.
func (u Upkeep) Later(other Upkeep) Upkeep {
	return Upkeep{later(u.Time, other.Time), later(u.Pruned, other.Pruned), later(u.Checked, other.Checked), later(u.Copied, other.Copied)}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// LastUpkeep returns the latest time in each field among the snapshots of the list.
func LastUpkeep(list []*Snapshot) Upkeep {
	var last Upkeep
	for _, s := range list {
		if s.Upkeep != nil {
			last = last.Later(*s.Upkeep)
		}
	}
	return last
}
