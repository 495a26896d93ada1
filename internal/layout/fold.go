package layout

import (
	"slices"
	"strings"
)

// leastFolded is the least width of a column whose cells are folded.
const leastFolded = 8

// Narrow makes the widest columns of a table narrower until it is not wider than most, and
// reports whether it is. No column gets narrower than leastFolded.
func Narrow(widths []int, most int) bool {
	for i := range widths {
		widths[i] = min(widths[i], max(most, leastFolded))
	}
	for sumWidths(widths) > most {
		widest := slices.Max(widths)
		if widest <= leastFolded {
			return false
		}
		widths[slices.Index(widths, widest)]--
	}
	return true
}

// FoldedLine is [Line] for cells that may be wider than their columns: it has as many lines as the
// cell that needs most.
func FoldedLine(cells []string, widths []int) string {
	parts, height := make([][]string, len(cells)), 1
	for i, cell := range cells {
		parts[i] = fold(InLine(cell), widths[i])
		height = max(height, len(parts[i]))
	}
	lines := make([]string, height)
	for n := range lines {
		row := make([]string, len(cells))
		for i, part := range parts {
			if n < len(part) {
				row[i] = part[n]
			}
		}
		lines[n] = Line(row, widths)
	}
	return strings.Join(lines, "\n")
}

// fold cuts a text into lines of a width at most: between words where it can.
func fold(text string, width int) (lines []string) {
	start, space, columns := 0, 0, 0 // of the line, of the last space behind a word in it, of the screen
	for i, r := range text {
		w := runeWidth(r)
		switch {
		case columns+w <= width || i == start:
		case r == ' ':
			lines = append(lines, text[start:i])
			start, columns, w = i+1, 0, 0
		default:
			cut := i
			if space > start {
				cut = space
			}
			lines = append(lines, text[start:cut])
			start = cut + len(text[cut:i]) - len(strings.TrimLeft(text[cut:i], " "))
			columns = Width(text[start:i])
		}
		if r == ' ' && strings.TrimLeft(text[start:max(start, i)], " ") != "" {
			space = i
		}
		columns += w
	}
	return append(lines, text[start:])
}

// Sentence is a sentence for a terminal: its lines after the first are indented.
func Sentence(text string, width int) string {
	return strings.Join(fold(text, max(width-indent, leastFolded)), "\n"+strings.Repeat(" ", indent))
}

// indent is how far the lines of a message after the first are indented.
const indent = 4
