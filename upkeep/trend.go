package upkeep

import (
	"slices"
	"time"

	"firn/snapshot"
)

// trendSpan is over how long a trend is taken, and trendLeast from when on there is one.
const (
	trendSpan  = 7 * 24 * time.Hour
	trendLeast = time.Hour
)

// trend compares the newest snapshot of a history with one of about a week ago. It returns by how much the database grows
// in a day, and by how much the repository grows for it.
func trend(history []*snapshot.Snapshot) (sizePerDay, addedPerDay int64) {
	if len(history) == 0 {
		return 0, 0
	}
	var added int64
	old := history[0]
	for _, snap := range history {
		if history[0].Time.Sub(snap.Time) > trendSpan {
			break
		}
		added += old.Added // the oldest snapshot itself does not count
		old = snap
	}
	span := history[0].Time.Sub(old.Time)
	if span < trendLeast {
		return 0, 0
	}
	perDay := float64(24*time.Hour) / float64(span)
	return int64(float64(history[0].Image().Size-old.Image().Size) * perDay), int64(float64(added) * perDay)
}

// rhythmSpan is of how many of the newest backups the rhythm is taken.
const rhythmSpan = 12

// rhythm returns the usual time between two backups of a history, the newest first: the middle one of the last distances. It is 0 for
// less than three backups. Backups that retention has removed make distances larger, so that old ones do not count.
func rhythm(history []*snapshot.Snapshot) time.Duration {
	var apart []time.Duration
	for i := range min(len(history)-1, rhythmSpan) {
		apart = append(apart, history[i].Time.Sub(history[i+1].Time))
	}
	if len(apart) < 2 {
		return 0
	}
	slices.Sort(apart)
	return apart[(len(apart)-1)/2]
}
