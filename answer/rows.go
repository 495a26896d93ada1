package answer

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"firn/internal/layout"
)

// Rows writes the rows of a query in one format. Values are nil, int64, float64, string or []byte.
type Rows interface {
	Head(columns []string) error // writes the names of the columns, before all rows
	Row(values []any) error      // writes a row
	End() error                  // writes the rest, after all rows
}

// CSVRows prints CSV as RFC 4180 defines it. The package encoding/csv does not serve: it writes an empty text like NULL and
// changes line breaks in values. In a result of one column, NULL is printed like an empty text, since readers drop empty
// lines.
type CSVRows struct {
	W        *bufio.Writer
	NoHeader bool
	LineEnd  string // CR LF for programs
}

// Head writes the names of the columns, unless they are left out.
func (c *CSVRows) Head(columns []string) error {
	if c.NoHeader {
		return nil
	}
	names := make([]any, len(columns))
	for i, name := range columns {
		names[i] = name
	}
	return c.Row(names)
}

// Row writes a row.
func (c *CSVRows) Row(values []any) error {
	for i, value := range values {
		if i > 0 {
			c.W.WriteByte(',') // the writer keeps its error
		}
		text := layout.PlainText(value)
		if value == "" || len(values) == 1 && text == "" || strings.ContainsAny(text, "\",\r\n") {
			text = `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
		}
		c.W.WriteString(text)
	}
	_, err := c.W.WriteString(c.LineEnd)
	return err
}

// End does nothing.
func (c *CSVRows) End() error { return nil }

// JSONRows prints an array in JSON, with one object for each row, each on a line of its own.
type JSONRows struct {
	W     *bufio.Writer
	names []string // of the columns, in JSON
	some  bool     // a row was printed
}

// Head begins the array.
func (j *JSONRows) Head(columns []string) error {
	for _, name := range distinctNames(columns) {
		j.names = append(j.names, jsonText(name))
	}
	_, err := j.W.WriteString("[")
	return err
}

// Row writes an object.
func (j *JSONRows) Row(values []any) error {
	if j.some {
		j.W.WriteByte(',') // the writer keeps its error
	}
	j.some = true
	separator := "\n{"
	for i, value := range values {
		j.W.WriteString(separator + j.names[i] + ":" + jsonText(value))
		separator = ","
	}
	return j.W.WriteByte('}')
}

// End ends the array.
func (j *JSONRows) End() error {
	if j.some {
		j.W.WriteByte('\n')
	}
	_, err := j.W.WriteString("]\n")
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
	b, _ := Encode(text) // a string has no error
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

// Value returns a value of a database for [Encode], as [JSONRows] writes it.
func Value(value any) any { return json.RawMessage(jsonText(value)) }
