package shown

import (
	"encoding/base64"
	"errors"
	"net/url"
	"slices"
	"strconv"

	"firn/report"
	"firn/snapshot"
	"firn/sqlite/browse"
)

// UsualColumns is how many columns of a table a page shows.
const UsualColumns = 60

// Table is a part of a table's rows, with the links to other parts and orders.
type Table struct {
	*snapshot.Snapshot
	Name        string
	Page        *browse.Page
	Asked       browse.Options
	Heads       []Head
	Rows        []Row
	To          int    // behind the last column
	Next        string // the link to the next rows; "" for none
	Left, Right string // the links to other columns; "" for none
	All         string // the link to the rows without filter; "" if there is none
	CSV, JSON   string // the links to all rows as a file
	Form        string // what the form for a filter brings along: see [ReadForm]
}

// Head is the name of a column, and the link that sorts by it.
type Head struct {
	Name, Link string
	Sorted     string // "ascending" or "descending"; "" for another order
	Form       string // the name in the form
}

// Row is a row of a [Table].
type Row struct {
	Cells []Cell
	Link  string // to the history of the row; "" for a row without a key
}

// NewTable fills a [Table]. The query is that of the page's address.
func NewTable(s *snapshot.Snapshot, name string, p *browse.Page, asked browse.Options, query url.Values) Table {
	t := Table{Snapshot: s, Name: name, Page: p, Asked: asked, To: p.From + len(p.Shown)}
	for _, r := range p.Rows {
		row := Row{}
		for i, cell := range r.Cells {
			row.Cells = append(row.Cells, t.cell(r.Key, p.Shown[i], cell))
		}
		if r.Key != "" {
			row.Link = RowAt(s, name, r.Key)
		}
		t.Rows = append(t.Rows, row)
	}
	t.link(query)
	return t
}

// Ops returns how a filter compares.
func (Table) Ops() []string { return browse.Ops() }

// cell returns a value for people.
func (t *Table) cell(key, column string, cell browse.Cell) Cell {
	whole := ""
	if key != "" {
		whole = "/snapshots/" + t.ID.String() + "/value?" + url.Values{"table": {t.Name}, "key": {key}, "column": {column}}.Encode()
	}
	if cell.Long {
		return Cell{Text: cell.Type + ", " + report.Size(cell.Size), Class: "long", Whole: whole}
	}
	text := NewCell(cell.Value)
	if text.Whole != "" || cell.Type == "blob" {
		text.Whole = whole
	}
	return text
}

// link fills in the links.
func (t *Table) link(query url.Values) {
	if t.Page.Next != "" {
		t.Next = With(query, "after", t.Page.Next)
	}
	if t.Page.From > 0 {
		t.Left = With(query, "from", strconv.Itoa(max(0, t.Page.From-UsualColumns)))
	}
	if t.To < len(t.Page.Columns) {
		t.Right = With(query, "from", strconv.Itoa(t.To))
	}
	first := some(query, "table", "from", "columns", "limit", "sort", "desc", "search", "column", "op", "value")
	t.CSV, t.JSON = With(first, "format", "csv"), With(first, "format", "json")
	if t.Asked.Search != "" || t.Asked.Filter.Column != "" {
		t.All = "?" + some(first, "table").Encode()
	}
	t.Form = formText(some(first, "table", "from", "sort", "desc").Encode())
	for _, name := range t.Page.Shown {
		t.Heads = append(t.Heads, t.head(name, first))
	}
}

// head returns the head of a column. The link of the column by which the table is sorted turns the order round.
func (t *Table) head(name string, query url.Values) Head {
	h := Head{Name: name, Form: formText(name)}
	sorted := some(query, "table", "from", "columns", "limit", "search", "column", "op", "value")
	sorted.Set("sort", name)
	if t.Asked.Sort == name {
		if h.Sorted = "descending"; !t.Asked.Descending {
			h.Sorted = "ascending"
			sorted.Set("desc", "1")
		}
	}
	h.Link = "?" + sorted.Encode()
	return h
}

// some returns some values of a query.
func some(query url.Values, names ...string) url.Values {
	kept := url.Values{}
	for _, name := range names {
		if query.Has(name) {
			kept[name] = query[name]
		}
	}
	return kept
}

// With returns a query with one value changed.
func With(query url.Values, name, value string) string {
	changed := url.Values{}
	for key, values := range query {
		changed[key] = slices.Clone(values)
	}
	changed.Set(name, value)
	return "?" + changed.Encode()
}

// formText returns a text for a field of a form, in letters that a browser sends as they are.
func formText(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// ReadForm returns the query that the answers of a [Table]'s form stand for.
func ReadForm(answers url.Values) (url.Values, error) {
	along, err := base64.RawURLEncoding.DecodeString(answers.Get("form"))
	column, wrong := base64.RawURLEncoding.DecodeString(answers.Get("in"))
	query, bad := url.ParseQuery(string(along))
	if err := errors.Join(err, wrong, bad); err != nil {
		return nil, err
	}
	if text := answers.Get("search"); text != "" {
		query.Set("search", text)
	}
	if len(column) > 0 {
		query.Set("column", string(column))
		query.Set("op", answers.Get("op"))
		query.Set("value", answers.Get("value"))
	}
	return query, nil
}
