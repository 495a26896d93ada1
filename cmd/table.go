package cmd

import (
	"io"
	"strings"

	"firn/internal/layout"

	"golang.org/x/term"
)

// table writes a table: the head and the rows below it. On a terminal that is too narrow, the text of a cell is folded into
// several lines.
func (c *cli) table(w io.Writer, head []string, rows [][]string) error {
	widths := layout.Widths(head, rows)
	layout.Narrow(widths, terminalWidth(w))
	if err := c.style(w, bold, layout.FoldedLine(head, widths)); err != nil {
		return err
	}
	var b strings.Builder
	b.WriteByte('\n')
	for _, row := range rows {
		b.WriteString(layout.FoldedLine(row, widths) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// terminalWidth returns the number of a terminal's columns, or a large number for other streams.
func terminalWidth(stream any) int {
	const many = 1000
	f, ok := stream.(interface{ Fd() uintptr })
	if !ok {
		return many
	}
	if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
		return columns
	}
	return many
}

// textWidth returns how many columns of a terminal a text takes.
func textWidth(text string) int { return layout.Width(text) }
