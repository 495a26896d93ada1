package cmd

import (
	"io"
	"strings"

	"firn/internal/layout"

	"golang.org/x/term"
)

// table writes rows below a head, with columns some spaces apart. On a terminal that is
// too narrow, cells go on below themselves.
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

// terminalWidth returns how many columns a terminal has, or many for anything else.
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
