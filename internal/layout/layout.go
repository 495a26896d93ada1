// Package layout puts texts into the columns and lines of a terminal.
package layout

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/width"

	"firn/report"
)

// Gap is how many spaces are between two columns of a table.
const Gap = 2

// Line returns a row of a table with columns of these widths. A cell that is wider pushes the next ones away.
func Line(cells []string, widths []int) string {
	var b strings.Builder
	for i, cell := range cells {
		cell = InLine(cell)
		b.WriteString(cell + strings.Repeat(" ", max(0, widths[i]-Width(cell))+Gap))
	}
	return strings.TrimRight(b.String(), " ")
}

// Width returns how many columns of a terminal a text takes.
func Width(text string) (columns int) {
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

// InLine is [report.Clean] for a text that must stay in its line, and in its column.
func InLine(text string) string {
	return strings.NewReplacer("\n", string(unicode.ReplacementChar), "\t", string(unicode.ReplacementChar)).Replace(report.Clean(text))
}

// Widths returns how wide the columns of a table are, as they are shown.
func Widths(head []string, rows [][]string) []int {
	widths := make([]int, len(head))
	for _, row := range append(slices.Clip(rows), head) {
		for i, cell := range row {
			widths[i] = max(widths[i], Width(InLine(cell)))
		}
	}
	return widths
}

// tableWidth is how wide [cli.table] makes a table.
func tableWidth(head []string, rows [][]string) int {
	return sumWidths(Widths(head, rows))
}

// sumWidths is how wide a table with columns of these widths is.
func sumWidths(widths []int) int {
	total := Gap * (len(widths) - 1)
	for _, w := range widths {
		total += w
	}
	return total
}

// Fit leaves out columns of a table that can be spared: those with nothing in them,
// and in the order that is given more, until it is not wider than width.
func Fit(head []string, rows [][]string, spare []string, width int) ([]string, [][]string) {
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
