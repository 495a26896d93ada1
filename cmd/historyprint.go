package cmd

import (
	"bufio"
	"errors"
	"fmt"
	"strings"
	"time"

	"firn/answer"
	"firn/diff"
	"firn/history"
)

// mark returns the sign of a kind of events.
func mark(kind string) string {
	return map[string]string{
		history.Present: "=", diff.Added: "+", diff.Changed: "~", diff.Removed: "-", history.Absent: "-", history.Unknown: "?",
	}[kind]
}

// versionPrinter prints the history of a row.
type versionPrinter struct {
	*opened
	w *bufio.Writer
}

// lines prints a line for each event.
func (p *versionPrinter) lines(h *history.Row) error {
	most := p.mostShown()
	for _, e := range h.Events {
		if _, err := fmt.Fprintf(p.w, "%s %s %s\n", mark(e.Kind), p.when(e.Snapshot), describeEvent(e, most)); err != nil {
			return err
		}
	}
	p.noteRow(h)
	return nil
}

// describeEvent returns the columns of an event in SQL, or why there are none.
func describeEvent(e history.Event, most int) string {
	var parts []string
	literal := func(v any) string { return diff.Literal(v, most) }
	if e.Kind != diff.Changed {
		for _, f := range e.Row {
			parts = append(parts, diff.Identifier(f.Name)+"="+literal(f.Value))
		}
		if e.Reason != "" {
			parts = append(parts, "("+diff.Printable(e.Reason)+")")
		}
		return strings.Join(parts, " ")
	}
	for _, f := range e.Changed {
		parts = append(parts, fmt.Sprintf("%s %s -> %s", diff.Identifier(f.Name), literal(f.Before), literal(f.After)))
	}
	for _, f := range e.Came {
		parts = append(parts, "+"+diff.Identifier(f.Name)+"="+literal(f.Value))
	}
	for _, f := range e.Went {
		parts = append(parts, "-"+diff.Identifier(f.Name)+"="+literal(f.Value))
	}
	return strings.Join(parts, ", ")
}

// json prints an object for each event, and a summary.
func (p *versionPrinter) json(h *history.Row) error {
	for _, m := range answer.NewVersions(h) {
		if err := p.writeJSON(p.w, m); err != nil {
			return err
		}
	}
	return p.writeJSON(p.w, answer.NewRowHistory(h))
}

// csv prints a line for each version, with all columns that any of them has.
func (p *versionPrinter) csv(h *history.Row) error {
	var columns []string
	places := make(map[string]int) // by the name in lower case
	for i := len(h.Events) - 1; i >= 0; i-- {
		for _, f := range h.Events[i].Row {
			if _, known := places[strings.ToLower(f.Name)]; !known {
				places[strings.ToLower(f.Name)], columns = len(columns), append(columns, f.Name)
			}
		}
	}
	r := p.newCSV(p.w, false)
	err := r.Head(append([]string{"time", "snapshot", "change"}, columns...))
	for _, e := range h.Events {
		line := make([]any, len(columns))
		for _, f := range e.Row {
			line[places[strings.ToLower(f.Name)]] = f.Value
		}
		start := []any{e.Snapshot.Time.Format(time.RFC3339Nano), e.Snapshot.ID.String(), e.Kind}
		err = errors.Join(err, r.Row(append(start, line...)))
	}
	p.noteRow(h)
	return errors.Join(err, r.End())
}

// tablePrinter prints the history of a table, event by event.
type tablePrinter struct {
	*opened
	w      *bufio.Writer
	asCSV  answer.Rows // nil for lines or JSON
	events int
}

func (s *opened) newTablePrinter(w *bufio.Writer, asCSV bool) *tablePrinter {
	p := &tablePrinter{opened: s, w: w}
	if asCSV {
		p.asCSV = s.newCSV(w, false)
	}
	return p
}

// head prints the names of the columns.
func (p *tablePrinter) head() error {
	if p.asCSV != nil {
		return p.asCSV.Head([]string{"time", "snapshot", "added", "changed", "removed", "remark"})
	}
	return nil
}

// event prints an event.
func (p *tablePrinter) event(e history.TableEvent) error {
	p.events++
	counts := e.Rows
	switch {
	case p.json:
		return p.writeJSON(p.w, answer.NewTableEvent(e))
	case p.asCSV != nil:
		line := []any{e.Snapshot.Time.Format(time.RFC3339Nano), e.Snapshot.ID.String(), counts.Added, counts.Changed, counts.Removed, e.Remark()}
		if counts.Note != "" {
			line[2], line[3], line[4] = nil, nil, nil // not known
		}
		return p.asCSV.Row(line)
	}
	var parts []string
	if counts.Note == "" {
		parts = append(parts, fmt.Sprintf("%d added, %d changed, %d removed", counts.Added, counts.Changed, counts.Removed))
	}
	if remark := e.Remark(); remark != "" {
		parts = append(parts, remark)
	}
	_, err := fmt.Fprintf(p.w, "%s %s\n", p.when(e.Snapshot), strings.Join(parts, "; "))
	return errors.Join(err, p.w.Flush()) // the next one may take long
}

// end prints the rest.
func (p *tablePrinter) end(h *history.Table) error {
	switch {
	case p.json:
		return p.writeJSON(p.w, answer.NewTableHistory(h))
	case p.asCSV != nil:
		return p.asCSV.End()
	}
	return nil
}
