// Package shown says how values, rows, their histories and plans for them stand in pages: as texts of bounded length, which come from
// databases that are not trusted and pass a filter. It knows no requests.
package shown

import (
	"firn/btree"
	"firn/internal/layout"
	"firn/report"
)

// Cell is a value for people.
type Cell struct {
	Text, Class string
	Whole       string // the link to the whole value; "" if Text has it
}

// How much of a value a page shows.
const (
	mostRunes = 240
	mostBytes = 16 // of a blob
)

// NewCell returns a value for people. Whole is not "" if the text is not all of it.
func NewCell(value any) Cell {
	switch x := value.(type) {
	case nil:
		return Cell{Text: "NULL", Class: "null"}
	case btree.Malformed:
		return Cell{Text: "damaged", Class: "null"}
	case string:
		return textCell(report.Clean(x))
	case []byte:
		if len(x) > mostBytes {
			return Cell{layout.PlainText(x[:mostBytes]) + "\u2026 " + report.Size(int64(len(x))), "blob", "cut"}
		}
		return Cell{Text: layout.PlainText(x), Class: "blob"}
	}
	return Cell{Text: layout.PlainText(value), Class: "number"}
}

// textCell returns a text, cut if it is long.
func textCell(text string) Cell {
	n := 0
	for at := range text {
		if n == mostRunes {
			return Cell{text[:at] + "\u2026", "text", "cut"}
		}
		n++
	}
	return Cell{Text: text, Class: "text"}
}

// Field is a column of a row. A side without it is nil.
type Field struct {
	Name          string
	Before, After *Cell
}

// mostFields is how many columns of a row a page shows.
const mostFields = 200

// cut leaves out columns that are too many for a page.
func cut(all []Field) (fields []Field, more int) {
	n := min(len(all), mostFields)
	return all[:n], len(all) - n
}

// field returns a column with its values.
func field(name string, sides [2]any, has [2]bool) Field {
	f := Field{Name: name}
	for i, cell := range []**Cell{&f.Before, &f.After} {
		if has[i] {
			c := NewCell(sides[i])
			*cell = &c
		}
	}
	return f
}
