package shown

import (
	"errors"
	"strings"

	"firn/rowrestore"
	"firn/sqlite/rowsync"
)

// Plan is what a restore of rows would do.
type Plan struct {
	*rowrestore.Plan
	Tables []PlannedTable
	Script string // the statements, as firn prints them; "" if they have no text
	Cut    bool   // there is more of the script
	NoText string // why there is no script
}

// PlannedTable is a table of a [Plan].
type PlannedTable struct {
	*rowsync.TablePlan
	Shown []PlannedRow
	Rest  int // rows that are not shown
}

// PlannedRow is a row of a [PlannedTable].
type PlannedRow struct {
	Kind, Word, Key, Why string
	Fields               []Field // Before is as it is now, After as it will be
	More                 int
}

// How much of a plan a page shows.
const (
	mostPlanned = 200
	mostScript  = 64 << 10
)

// NewPlan fills a [Plan].
func NewPlan(plan *rowrestore.Plan) Plan {
	p := Plan{Plan: plan}
	for i, t := range plan.Rows.Tables {
		if i > 0 && len(t.Rows)+t.Same == 0 {
			continue // a remark names it
		}
		table := PlannedTable{TablePlan: t, Rest: max(0, len(t.Rows)-mostPlanned)}
		for _, row := range t.Rows[:len(t.Rows)-table.Rest] {
			table.Shown = append(table.Shown, newPlannedRow(row))
		}
		p.Tables = append(p.Tables, table)
	}
	text, err := plan.Script(mostScript)
	p.Script = string(text)
	if p.Cut = errors.Is(err, rowrestore.ErrCut); err != nil && !p.Cut {
		p.Script, p.NoText = "", err.Error()
	}
	if end := strings.LastIndexByte(p.Script, '\n'); p.Cut && end > 0 {
		p.Script = p.Script[:end+1] // whole lines
	}
	return p
}

func newPlannedRow(row rowsync.Row) PlannedRow {
	r := PlannedRow{Kind: class(row.Kind), Word: word(row.Kind), Why: row.Why}
	for i, f := range row.Key {
		if i > 0 {
			r.Key += ", "
		}
		r.Key += f.Name + "=" + NewCell(f.Value).Text
	}
	for _, c := range row.Changes {
		r.Fields = append(r.Fields, field(c.Name, [2]any{c.Now, c.Then}, [2]bool{true, true}))
	}
	goes := row.Kind == rowsync.Deleted
	for _, f := range row.Values {
		r.Fields = append(r.Fields, field(f.Name, [2]any{f.Value, f.Value}, [2]bool{goes, !goes}))
	}
	r.Fields, r.More = cut(r.Fields)
	return r
}

// Mode is a mode in words.
type Mode struct {
	Name rowsync.Mode
	Text string
	Is   bool
}

// Modes returns the modes, of which one is chosen.
func Modes(chosen rowsync.Mode) (all []Mode) {
	for _, m := range rowsync.Modes() {
		text := map[rowsync.Mode]string{
			rowsync.Insert: "bring missing rows back", rowsync.Update: "give rows their old values",
			rowsync.Upsert: "bring missing rows back, and give others their old values", rowsync.Replace: "the same, and delete rows that the copy does not have",
		}[m]
		all = append(all, Mode{m, text, m == chosen})
	}
	return all
}

// word says what becomes of a row.
func word(k rowsync.Kind) string {
	switch k {
	case rowsync.Inserted:
		return "comes back"
	case rowsync.Changed:
		return "changes"
	case rowsync.Deleted:
		return "goes"
	case rowsync.Left:
		return "stays as it is"
	case rowsync.Missing:
		return "stays away"
	}
	return "conflict"
}

// class returns the look of the word.
func class(k rowsync.Kind) string {
	switch k {
	case rowsync.Inserted:
		return "added"
	case rowsync.Changed:
		return "changed"
	case rowsync.Deleted:
		return "removed"
	case rowsync.Conflicted:
		return "bad"
	}
	return "quiet"
}
