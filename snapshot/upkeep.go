package snapshot

import "time"

// Upkeep says when something was last done for a whole repository, by any of its hosts. It is
// told by a note on the snapshot that was the newest then. Zero is never, as far as known.
type Upkeep struct {
	Time    time.Time `json:"time"`             // of the last, UTC, in microseconds
	Pruned  time.Time `json:"pruned,omitzero"`  // space was freed, or nothing was to be freed
	Checked time.Time `json:"checked,omitzero"` // every byte was read, and sound
	Copied  time.Time `json:"copied,omitzero"`  // to another repository
}

// times returns those that are known.
func (u *Upkeep) times() []*time.Time {
	times := []*time.Time{&u.Time}
	for _, t := range []*time.Time{&u.Pruned, &u.Checked, &u.Copied} {
		if !t.IsZero() {
			times = append(times, t)
		}
	}
	return times
}

// Later returns the later time of each.
func (u Upkeep) Later(other Upkeep) Upkeep {
	return Upkeep{later(u.Time, other.Time), later(u.Pruned, other.Pruned), later(u.Checked, other.Checked), later(u.Copied, other.Copied)}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// LastUpkeep returns the latest that any snapshot of the list tells.
func LastUpkeep(list []*Snapshot) Upkeep {
	var last Upkeep
	for _, s := range list {
		if s.Upkeep != nil {
			last = last.Later(*s.Upkeep)
		}
	}
	return last
}
