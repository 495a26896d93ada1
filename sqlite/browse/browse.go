// Package browse leafs through the tables of an image for a person: some rows at a time, in the order of their key or of a column,
// all of them or those that hold something.
package browse

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"firn/sqlite"
	"firn/sqlite/internal/capi"
)

// Page is a part of a table's rows, for a person who leafs through it. Make one with [Read].
type Page struct {
	Type    string   // "table", "view", "virtual" or "shadow"
	Columns []string // of the table, all of them
	From    int      // the first column that the rows have
	Shown   []string // the names of the columns that the rows have
	Rows    []Row
	Next    string // the key after which the next page begins; "" for no more rows, or if the table has no key
	Cut     bool   // there are more rows, and no key to go on with
	Keyed   bool   // the rows have keys
	Sorts   bool   // no index has the order that was asked for, so that each page reads the whole table
}

// Row is a row of a [Page].
type Row struct {
	Key   string // of the row, for [Value]; "" if it has none
	Cells []Cell
}

// Cell is a value of a [Row].
type Cell struct {
	Value any    // nil, int64, float64, string or []byte; nil if it is Long
	Type  string // "null", "integer", "real", "text" or "blob"
	Size  int64  // of a text or a blob in bytes
	Long  bool   // the value is longer than was asked for, and left out
}

// Options say which part of a table is read.
type Options struct {
	After   string // the key of the last row of the page before; "" for the first page
	Rows    int    // how many rows at most
	From    int    // the first column
	Columns int    // how many columns at most; up to [MaxColumns]
	Longest int64  // the length in bytes from which a text or a blob is left out

	Sort       string // the column by which the rows are sorted, as SQLite sorts; "" for the order of the key
	Descending bool
	Search     string // rows that contain this text in one of the columns of the page; "" for all
	Filter     Filter
}

// MaxColumns is the greatest number of columns of a page: SQLite's limit for a result is 2,000, and each takes three.
const MaxColumns = 500

// ErrNoTable is returned for a table, a view or a column that the image does not have.
var ErrNoTable = errors.New("there is no such table")

// Read reads a part of a table. The name is that of the image's schema, which alone becomes part of a statement.
func Read(v *sqlite.View, table string, o Options) (*Page, error) {
	t, err := find(v, table)
	if err != nil {
		return nil, err
	}
	from := min(max(o.From, 0), len(t.columns)-1)
	p := &Page{Type: t.kind, Columns: t.columns, From: from, Keyed: len(t.key) > 0}
	p.Shown = t.columns[from:min(from+min(o.Columns, MaxColumns), len(t.columns))]
	filter, err := t.filter(o, p.Shown)
	if err != nil {
		return nil, err
	}
	sections, err := t.sections(v, filter, o)
	if err != nil {
		return nil, err
	}
	list := "SELECT " + strings.Join(append(slices.Clone(t.key), cellsOf(p.Shown, o.Longest)...), ", ") + " FROM " + t.name
	for _, s := range sections {
		if err := p.readSection(v, list+s.clauses(), s.args, len(t.key), o); err != nil {
			return nil, err
		}
		if p.Next != "" || p.Cut {
			break
		}
	}
	return p, nil
}

// Each calls row with all columns of each row that [Read] would leaf through: those of all pages, in their order. It calls head once,
// before. An error of a function ends it and is returned.
func Each(v *sqlite.View, table string, o Options, head func(columns []string) error, row func(values []any) error) error {
	t, err := find(v, table)
	if err != nil {
		return err
	}
	from := min(max(o.From, 0), len(t.columns)-1)
	filter, err := t.filter(o, t.columns[from:min(from+min(o.Columns, MaxColumns), len(t.columns))])
	if err != nil {
		return err
	}
	sections, err := t.sections(v, filter, o)
	if err != nil {
		return err
	}
	if err := head(t.columns); err != nil {
		return err
	}
	for _, s := range sections {
		if err := v.Each("SELECT "+strings.Join(identifiers(t.columns), ", ")+" FROM "+t.name+s.clauses(), s.args, row); err != nil {
			return err
		}
	}
	return nil
}

// readSection reads the rows of a section, as far as the page has room.
func (p *Page) readSection(v *sqlite.View, sql string, args []any, keys int, o Options) error {
	sql += " LIMIT " + strconv.Itoa(o.Rows+1-len(p.Rows))
	if o.Sort != "" && !p.Sorts {
		if err := p.explain(v, sql, args); err != nil {
			return err
		}
	}
	c, err := v.Open(sql, args...)
	if err != nil {
		return err
	}
	defer c.Close()
	return p.read(c, keys, o)
}

// explain finds out whether SQLite sorts the rows, since no index has them in this order.
func (p *Page) explain(v *sqlite.View, sql string, args []any) error {
	return v.Each("EXPLAIN QUERY PLAN "+sql, args, func(row []any) error {
		step, _ := row[len(row)-1].(string)
		p.Sorts = p.Sorts || strings.Contains(step, "TEMP B-TREE")
		return nil
	})
}

// cellsOf returns the three expressions of each column: the value unless it is long, its type and its length. SQLite reads neither
// the type nor the length from the content, so that a long value costs nothing.
func cellsOf(columns []string, longest int64) (expressions []string) {
	for _, name := range columns {
		c := capi.Identifier(name)
		expressions = append(expressions, fmt.Sprintf("CASE WHEN octet_length(%s) > %d THEN NULL ELSE %s END", c, longest, c), "typeof("+c+")", "octet_length("+c+")")
	}
	return expressions
}

// read reads the rows of a page.
func (p *Page) read(c *sqlite.Cursor, keys int, o Options) error {
	values := make([]any, len(c.Columns()))
	for {
		more, err := c.Next(values)
		if err != nil || !more {
			return err
		}
		if len(p.Rows) == o.Rows {
			p.Next = p.Rows[len(p.Rows)-1].Key
			p.Cut = p.Next == ""
			return nil
		}
		row := Row{Cells: make([]Cell, 0, len(p.Shown))}
		if keys > 0 {
			row.Key = EncodeKey(values[:keys])
		}
		for i := keys; i+2 < len(values); i += 3 {
			kind, _ := values[i+1].(string)
			size, _ := values[i+2].(int64)
			row.Cells = append(row.Cells, Cell{values[i], kind, size, values[i] == nil && kind != "null"})
		}
		p.Rows = append(p.Rows, row)
	}
}

// Value reads one value of a table, by the key of its row in a [Page].
func Value(v *sqlite.View, table, key, column string) (value any, err error) {
	t, err := find(v, table)
	if err != nil {
		return nil, err
	}
	if _, err := t.column(column); err != nil {
		return nil, err
	}
	args, err := t.keyValues(key)
	if err != nil {
		return nil, err
	}
	found := false
	err = v.Each("SELECT "+capi.Identifier(column)+" FROM "+t.name+" WHERE "+t.is(), args, func(row []any) error { value, found = row[0], true; return nil })
	if err == nil && !found {
		err = fmt.Errorf("%w: a row with this key", ErrNoTable)
	}
	return value, err
}
