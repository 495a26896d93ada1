package shown

import (
	"firn/diff"
	"firn/history"
	"firn/report"
	"firn/rows"
	"firn/snapshot"
)

// Version is an event of a row.
type Version struct {
	Kind   string
	Since  *snapshot.Snapshot // the first one after the event
	Before *snapshot.Snapshot // the last one before it; nil if it is not known
	Of     *snapshot.Snapshot // that has the row as this version tells it; nil for none
	Fields []Field
	More   int // columns that are left out
	Reason string
}

// Versions returns the events of a row, the newest first.
func Versions(h *history.Row) []Version {
	all := make([]Version, 0, len(h.Events))
	for i := len(h.Events) - 1; i >= 0; i-- {
		all = append(all, newVersion(h.Events[i]))
	}
	return all
}

func newVersion(e history.Event) Version {
	v := Version{Kind: e.Kind, Since: e.Snapshot, Before: e.Before, Reason: report.Clean(e.Reason)}
	switch {
	case e.Kind == diff.Removed:
		v.Of = e.Before
	case e.Row != nil:
		v.Of = e.Snapshot
	}
	var all []Field
	if e.Kind == diff.Changed {
		for _, f := range e.Changed {
			all = append(all, field(f.Name, [2]any{f.Before, f.After}, [2]bool{true, true}))
		}
		all = append(append(all, oneSide(e.Came, 1)...), oneSide(e.Went, 0)...)
	} else {
		side := 1
		if e.Kind == diff.Removed {
			side = 0
		}
		all = oneSide(e.Row, side)
	}
	v.Fields, v.More = cut(all)
	return v
}

// oneSide returns columns that only one side has: 0 is before, 1 after.
func oneSide(fields []diff.Field, side int) (all []Field) {
	for _, f := range fields {
		has := [2]bool{}
		has[side] = true
		all = append(all, field(f.Name, [2]any{f.Value, f.Value}, has))
	}
	return all
}

// Values compares a row then and now, column by column. A row that is not there is nil.
func Values(then, now rows.Row) (fields []Field, more int) {
	var all []Field
	known := map[string]int{}
	for _, f := range now {
		known[f.Name] = len(all)
		all = append(all, field(f.Name, [2]any{nil, f.Value}, [2]bool{false, true}))
	}
	for _, f := range then {
		c := NewCell(f.Value)
		if i, ok := known[f.Name]; ok {
			all[i].Before = &c
			continue
		}
		all = append(all, Field{Name: f.Name, Before: &c})
	}
	return cut(all)
}
