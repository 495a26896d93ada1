package upkeep

import (
	"time"

	"firn/snapshot"
)

// Span is a length of time.
type Span struct{ From, To time.Time }

// Window returns from when to when every state that the watch of a database has seen is there, ok false for none. The history is that
// of its backups, the newest first. The window ends where a snapshot was removed between two others, or where the watch began.
func (st *State) Window(history []*snapshot.Snapshot, now time.Time) (window Span, ok bool) {
	history, _ = snapshot.SplitAhead(history, now)
	if st.Watch == nil || st.Watch.Stored.IsZero() || len(history) == 0 || st.Watch.Stored.Before(history[0].Time) {
		return Span{}, false
	}
	window = Span{history[0].Time, st.Watch.Stored}
	for i := range len(history) - 1 {
		if !history[i].Time.After(st.Watch.Since) || history[i].Previous != history[i+1].ID {
			break
		}
		window.From = history[i+1].Time
	}
	if window.From.Before(st.Watch.Since) {
		window.From = st.Watch.Since
	}
	return window, window.To.After(window.From)
}

// Holes returns when no snapshot was taken for longer than the newest one may be old, the newest first. Nothing is known where
// retention has removed snapshots since, and of a watch of before: a watch takes no snapshot while nothing changes.
func (st *State) Holes(history []*snapshot.Snapshot, now time.Time) (holes []Span) {
	history, _ = snapshot.SplitAhead(history, now)
	if len(history) == 0 {
		return nil
	}
	if st.Age > st.MaxAge {
		holes = append(holes, Span{now.Add(-st.Age), now})
	}
	for i := range len(history) - 1 {
		newer, older := history[i], history[i+1]
		if newer.Previous == older.ID && newer.Round.IsZero() && newer.Time.Sub(older.Time) > st.MaxAge {
			holes = append(holes, Span{older.Time, newer.Time})
		}
	}
	return holes
}
