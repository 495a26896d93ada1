package cmd

import (
	"bufio"
	"errors"
	"fmt"
	"math"
	"strings"

	"firn/internal/layout"
)

// result prints the rows of a query in one format. Values are nil, int64, float64, string or []byte.
type result interface {
	head(columns []string) error // prints the names of the columns, before all rows
	row(values []any) error      // prints a row
	end() error                  // prints the rest, after all rows
}

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

func (t *tableResult) head(columns []string) error {
	t.columns = make([]string, len(columns))
	for i, name := range columns {
		if !t.noHeader {
			t.columns[i] = layout.Cell(name)
		}
	}
	return nil
}

func (t *tableResult) row(values []any) error {
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
	return t.end()
}

// end prints the rows that were held back. Later rows get the same widths.
func (t *tableResult) end() error {
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

// csvResult prints CSV as RFC 4180 defines it. The package encoding/csv does not serve: it writes an empty text like NULL and
// changes line breaks in values. In a result of one column, NULL is printed like an empty text, since readers drop empty
// lines.
type csvResult struct {
	w        *bufio.Writer
	noHeader bool
	lineEnd  string
}

func (c *csvResult) head(columns []string) error {
	if c.noHeader {
		return nil
	}
	names := make([]any, len(columns))
	for i, name := range columns {
		names[i] = name
	}
	return c.row(names)
}

func (c *csvResult) row(values []any) error {
	for i, value := range values {
		if i > 0 {
			c.w.WriteByte(',') // the writer keeps its error
		}
		text := layout.PlainText(value)
		if value == "" || len(values) == 1 && text == "" || strings.ContainsAny(text, "\",\r\n") {
			text = `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
		}
		c.w.WriteString(text)
	}
	_, err := c.w.WriteString(c.lineEnd)
	return err
}

func (c *csvResult) end() error { return nil }

// jsonResult prints an array in JSON, with one object for each row, each on a line of its own.
type jsonResult struct {
	w     *bufio.Writer
	names []string // of the columns, in JSON
	some  bool     // a row was printed
}

func (j *jsonResult) head(columns []string) error {
	for _, name := range distinctNames(columns) {
		j.names = append(j.names, jsonText(name))
	}
	_, err := j.w.WriteString("[")
	return err
}

func (j *jsonResult) row(values []any) error {
	if j.some {
		j.w.WriteByte(',') // the writer keeps its error
	}
	j.some = true
	separator := "\n{"
	for i, value := range values {
		j.w.WriteString(separator + j.names[i] + ":" + jsonText(value))
		separator = ","
	}
	return j.w.WriteByte('}')
}

func (j *jsonResult) end() error {
	if j.some {
		j.w.WriteByte('\n')
	}
	_, err := j.w.WriteString("]\n")
	return err
}

// jsonText returns a value in JSON. Infinity becomes a number that is too large, which SQLite reads as infinity.
func jsonText(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case string:
		return quoteJSON(v)
	case []byte:
		return quoteJSON(layout.PlainText(v))
	case float64:
		if math.IsInf(v, 0) {
			return strings.Replace(layout.RealText(v), "Inf", "1e999", 1)
		}
	}
	return layout.PlainText(value)
}

// quoteJSON returns a text in JSON.
func quoteJSON(text string) string {
	b, _ := encodeJSON(text) // a string has no error
	return strings.TrimSuffix(string(b), "\n")
}

// distinctNames makes the names of columns distinct. It uses names such as id and id:1, as SQLite does for tables that are made
// from queries.
func distinctNames(columns []string) []string {
	names, taken := make([]string, len(columns)), make(map[string]bool)
	for i, column := range columns {
		names[i] = column
		for n := 1; taken[names[i]]; n++ {
			names[i] = fmt.Sprintf("%s:%d", column, n)
		}
		taken[names[i]] = true
	}
	return names
}
