package cmd

import (
	"bufio"
	"errors"
	"strings"

	"firn/internal/layout"
)

// The limits of the rows that a [tableResult] holds back to find the widths of its columns.
const (
	widthRows  = 1000
	widthBytes = 1 << 20
	// A wider column is not easier to read and moves the next ones to the right.
	widthMost = 60
)

// tableResult prints a table for people.
type tableResult struct {
	*cli
	w        *bufio.Writer
	noHeader bool
	columns  []string
	rows     [][]string // held back
	held     int        // the number of bytes in rows
	widths   []int      // nil while rows are held back
	folds    bool       // wide cells go on below themselves: it is a terminal
	listed   bool       // that is too narrow for the table: each value has a line
}

// Head keeps the names of the columns until the widths are known.
func (t *tableResult) Head(columns []string) error {
	t.columns = make([]string, len(columns))
	for i, name := range columns {
		if !t.noHeader {
			t.columns[i] = layout.Cell(name)
		}
	}
	return nil
}

// Row prints a row, or holds it back until the widths are known.
func (t *tableResult) Row(values []any) error {
	cells := make([]string, len(values))
	for i, v := range values {
		cells[i] = layout.Cell(v)
		t.held += len(cells[i])
	}
	if t.widths != nil {
		return t.print(t.line(cells))
	}
	t.rows = append(t.rows, cells)
	if len(t.rows) < widthRows && t.held < widthBytes {
		return nil
	}
	return t.End()
}

// End prints the rows that were held back. Later rows get the same widths.
func (t *tableResult) End() error {
	if t.widths != nil {
		return nil
	}
	t.widths = layout.Widths(t.columns, t.rows)
	if t.folds = isTerminal(t.stdout); t.folds {
		t.listed = !layout.Narrow(t.widths, terminalWidth(t.stdout))
	}
	for i := range t.widths {
		if !t.folds {
			t.widths[i] = min(t.widths[i], widthMost)
		}
	}
	if !t.noHeader && !t.listed {
		if err := errors.Join(t.w.Flush(), t.style(t.stdout, bold, t.line(t.columns)), t.print("")); err != nil {
			return err
		}
	}
	for _, row := range t.rows {
		if err := t.print(t.line(row)); err != nil {
			return err
		}
	}
	t.rows = nil
	return nil
}

// line returns the line of a row, or its lines.
func (t *tableResult) line(cells []string) string {
	switch {
	case t.listed:
		return t.list(cells)
	case t.folds:
		return layout.FoldedLine(cells, t.widths)
	}
	return layout.Line(cells, t.widths)
}

// list returns a row as names and values, with an empty line behind them.
func (t *tableResult) list(cells []string) string {
	var b strings.Builder
	for i, c := range cells {
		if !t.noHeader {
			c = t.columns[i] + ": " + c
		}
		b.WriteString(layout.Sentence(c, terminalWidth(t.stdout)) + "\n")
	}
	return b.String()
}

func (t *tableResult) print(line string) error {
	_, err := t.w.WriteString(line + "\n")
	return err
}
