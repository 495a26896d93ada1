// Package layout puts texts, and the values of databases, into the columns and lines of a terminal.
package layout

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/width"

	"firn/report"
)

// Gap is the number of spaces between two columns of a table.
const Gap = 2

// Line returns a row of a table with columns of the given widths. A wider cell moves the next cells to the right.
func Line(cells []string, widths []int) string {
	var b strings.Builder
	for i, cell := range cells {
		cell = InLine(cell)
		b.WriteString(cell + strings.Repeat(" ", max(0, widths[i]-Width(cell))+Gap))
	}
	return strings.TrimRight(b.String(), " ")
}

// Width returns the number of a terminal's columns that a text takes.
func Width(text string) (columns int) {
	for _, r := range text {
		columns += runeWidth(r)
	}
	return columns
}

// runeWidth returns the number of columns that a character takes: two for a wide character of East Asia or an emoji, none for a
// mark on the character before.
func runeWidth(r rune) int {
	switch kind := width.LookupRune(r).Kind(); {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case kind == width.EastAsianWide || kind == width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// InLine returns a text as [report.Clean] does, and replaces line feeds and tabs, too, so that it stays in its line and column.
func InLine(text string) string {
	return strings.NewReplacer("\n", string(unicode.ReplacementChar), "\t", string(unicode.ReplacementChar)).Replace(report.Clean(text))
}

// Widths returns the widths of a table's columns.
func Widths(head []string, rows [][]string) []int {
	widths := make([]int, len(head))
	for _, row := range append(slices.Clip(rows), head) {
		for i, cell := range row {
			widths[i] = max(widths[i], Width(InLine(cell)))
		}
	}
	return widths
}

// tableWidth returns the width of a table.
func tableWidth(head []string, rows [][]string) int {
	return sumWidths(Widths(head, rows))
}

// sumWidths returns the width of a table with columns of the given widths.
func sumWidths(widths []int) int {
	total := Gap * (len(widths) - 1)
	for _, w := range widths {
		total += w
	}
	return total
}

// Fit leaves out columns of a table until it is not wider than width. It leaves out only columns of the list spare, in that
// order, and always those without content.
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

// without returns the cells without the one at an index.
func without(cells []string, at int) []string {
	return slices.Delete(slices.Clone(cells), at, at+1)
}
