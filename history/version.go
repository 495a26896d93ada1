package history

import (
	"slices"
	"strings"

	"firn/diff"
	"firn/rows"
	"firn/snapshot"
)

// The kinds of events of a row, beside [diff.Added], [diff.Removed] and [diff.Changed].
const (
	Present = "present" // the row is there in the oldest snapshot, or after [Unknown]
	Absent  = "absent"  // the row is not there after [Unknown]
	Unknown = "unknown" // it cannot be told whether there is such a row, and which
)

// Event is what has happened to a row between two snapshots that follow one another.
type Event struct {
	Kind     string             // Present, diff.Added, diff.Changed, diff.Removed, Absent or Unknown
	Snapshot *snapshot.Snapshot // the first one after the event
	Before   *snapshot.Snapshot // the last one before it; nil for the oldest
	Row      rows.Row           // as it is after the event; a removed row as it was last
	Changed  []diff.FieldChange // the columns of both snapshots in which a changed row differs
	Came     []diff.Field       // the columns of a changed row that its table has got
	Went     []diff.Field       // the columns of a changed row that its table has lost
	Reason   string             // why the row is not there, or is not known; may be "" for a row that is not there
}

// state is what a snapshot tells of a row.
type state struct {
	table   *rows.Table // nil if the snapshot has no such table, or cannot tell
	row     rows.Row    // nil if it is not there
	reason  string
	unknown bool
}

// present reports whether the row is there.
func (s state) present() bool { return s.row != nil }

// run is a run of snapshots that tell the same.
type run struct {
	state
	oldest, newest *snapshot.Snapshot
}

// same reports whether two states are one version of the row.
func same(older, newer state) bool {
	if older.present() != newer.present() || older.unknown != newer.unknown {
		return false
	}
	var e Event
	e.compare(older.row, newer.row)
	return e.Changed == nil && e.Came == nil && e.Went == nil
}

// events returns the events between runs, of which the newest is the first. The oldest event is the first.
func events(runs []run) (all []Event) {
	for i := len(runs) - 1; i >= 0; i-- {
		e := Event{Kind: Present, Snapshot: runs[i].oldest, Row: runs[i].row, Reason: runs[i].reason}
		var older state
		if i+1 < len(runs) {
			e.Before, older = runs[i+1].newest, runs[i+1].state
		}
		if e.Kind = kind(older, runs[i].state, e.Before == nil); e.Kind == "" {
			continue
		}
		if e.Kind == diff.Removed {
			e.Row = older.row
		}
		if e.Kind == diff.Changed {
			e.compare(older.row, e.Row)
		}
		all = append(all, e)
	}
	return all
}

// kind returns the kind of an event between two states; "" for none.
func kind(older, newer state, oldest bool) string {
	switch {
	case newer.unknown:
		return Unknown
	case newer.present() && (oldest || older.unknown):
		return Present
	case newer.present() && older.present():
		return diff.Changed
	case newer.present():
		return diff.Added
	case older.present():
		return diff.Removed
	case older.unknown:
		return Absent
	}
	return ""
}

// compare finds the columns in which two versions of a row differ. Columns are the same if their names are.
func (e *Event) compare(older, newer rows.Row) {
	for _, f := range newer {
		i := find(older, f.Name)
		switch {
		case i < 0:
			e.Came = append(e.Came, f)
		case !diff.SameValue(older[i].Value, f.Value):
			e.Changed = append(e.Changed, diff.FieldChange{Name: f.Name, Before: older[i].Value, After: f.Value})
		}
	}
	for _, f := range older {
		if find(newer, f.Name) < 0 {
			e.Went = append(e.Went, f)
		}
	}
}

// share has the older of two versions hold the values of the newer one where they are equal, so that a large value that stays the
// same takes memory once.
func share(older, newer rows.Row) {
	for i := range older {
		if n := find(newer, older[i].Name); n >= 0 && diff.SameValue(older[i].Value, newer[n].Value) {
			older[i].Value = newer[n].Value
		}
	}
}

// find returns the place of a column in a row, -1 for none.
func find(row rows.Row, name string) int {
	return slices.IndexFunc(row, func(f diff.Field) bool { return strings.EqualFold(f.Name, name) })
}
