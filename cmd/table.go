package cmd

import (
	"io"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/term"
	"golang.org/x/text/width"
)

// columnGap is how many spaces are between two columns of a table.
const columnGap = 2

// table writes rows below a head, with columns columnGap spaces apart. On a terminal that is
// too narrow, cells go on below themselves.
func (c *cli) table(w io.Writer, head []string, rows [][]string) error {
	widths := columnWidths(head, rows)
	narrow(widths, terminalWidth(w))
	if err := c.style(w, bold, foldedLine(head, widths)); err != nil {
		return err
	}
	var b strings.Builder
	b.WriteByte('\n')
	for _, row := range rows {
		b.WriteString(foldedLine(row, widths) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func line(cells []string, widths []int) string {
	var b strings.Builder
	for i, cell := range cells {
		cell = inLine(cell)
		b.WriteString(cell + strings.Repeat(" ", max(0, widths[i]-textWidth(cell))+columnGap))
	}
	return strings.TrimRight(b.String(), " ")
}

// textWidth returns how many columns of a terminal a text takes.
func textWidth(text string) (columns int) {
	for _, r := range text {
		columns += runeWidth(r)
	}
	return columns
}

// runeWidth returns how many columns a character takes: two for each wide character of
// East Asia and emoji, none for marks that are put on the one before.
func runeWidth(r rune) int {
	switch kind := width.LookupRune(r).Kind(); {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case kind == width.EastAsianWide || kind == width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// columnWidths returns how wide the columns of a table are, as they are shown.
func columnWidths(head []string, rows [][]string) []int {
	widths := make([]int, len(head))
	for _, row := range append(slices.Clip(rows), head) {
		for i, cell := range row {
			widths[i] = max(widths[i], textWidth(inLine(cell)))
		}
	}
	return widths
}

// tableWidth is how wide [cli.table] makes a table.
func tableWidth(head []string, rows [][]string) int {
	return sumWidths(columnWidths(head, rows))
}

// sumWidths is how wide a table with columns of these widths is.
func sumWidths(widths []int) int {
	total := columnGap * (len(widths) - 1)
	for _, w := range widths {
		total += w
	}
	return total
}

// fit leaves out columns of a table that can be spared: those with nothing in them,
// and in the order that is given more, until it is not wider than width.
func fit(head []string, rows [][]string, spare []string, width int) ([]string, [][]string) {
	for _, name := range spare {
		at := slices.Index(head, name)
		full := slices.ContainsFunc(rows, func(row []string) bool { return row[at] != "" })
		if full && tableWidth(head, rows) <= width {
			continue
		}
		head = without(head, at)
		rows = slices.Clone(rows)
		for i, row := range rows {
			rows[i] = without(row, at)
		}
	}
	return head, rows
}

// without returns the cells but for the one at an index.
func without(cells []string, at int) []string {
	return slices.Delete(slices.Clone(cells), at, at+1)
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
