package browse

import (
	"fmt"
	"strings"

	"firn/sqlite"
	"firn/sqlite/inspect"
	"firn/sqlite/internal/capi"
)

// Filter keeps the rows that have something in a column.
type Filter struct {
	Column string // "" for no filter
	Op     string // one of [Ops]
	// Value is a person's word. SQLite converts it as it converts a text that is stored in the column. For a column without a type it
	// is read as a literal of SQL: see [inspect.Literal].
	Value string
}

// Ops returns how a [Filter] compares. Texts that are looked for may be in upper or lower case, as far as they are of ASCII.
func Ops() []string { return []string{"=", "<", ">", "contains", "is null", "is not null"} }

// longestSearched is the length in bytes of the longest text that is searched. A longer one, and a blob, contain nothing.
const longestSearched = 1 << 20

// conditions are terms of which all have to be true, with the values of their parameters.
type conditions struct {
	terms []string
	args  []any
}

func (c *conditions) add(term string, args ...any) {
	c.terms, c.args = append(c.terms, term), append(c.args, args...)
}

// and returns the conditions with one more.
func (c conditions) and(term string, args ...any) conditions {
	return conditions{append(c.terms[:len(c.terms):len(c.terms)], term), append(c.args[:len(c.args):len(c.args)], args...)}
}

// clause returns a WHERE clause, "" for none.
func (c conditions) clause() string {
	if len(c.terms) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.terms, " AND ")
}

// filter returns the conditions of the options, for a search in some columns.
func (t *browsed) filter(o Options, shown []string) (c conditions, err error) {
	if o.Search != "" {
		terms, args := make([]string, len(shown)), make([]any, len(shown))
		for i, name := range shown {
			terms[i], args[i] = contains(name), o.Search
		}
		c.add("("+strings.Join(terms, " + ")+") > 0", args...) // a sum, since OR nests, and SQLite bounds that
	}
	if o.Filter.Column == "" {
		return c, nil
	}
	place, err := t.column(o.Filter.Column)
	if err != nil {
		return c, err
	}
	column := capi.Identifier(o.Filter.Column)
	switch o.Filter.Op {
	case "=", "<", ">":
		c.add(column+" "+o.Filter.Op+" ?", t.convert(place, o.Filter.Value))
	case "contains":
		c.add(contains(o.Filter.Column), o.Filter.Value)
	case "is null", "is not null":
		c.add(column + " " + strings.ToUpper(o.Filter.Op))
	default:
		return c, fmt.Errorf("%w: %q is no comparison: there are %s", sqlite.ErrSQL, o.Filter.Op, strings.Join(Ops(), ", "))
	}
	return c, nil
}

// convert returns the value that a word stands for in a column.
func (t *browsed) convert(place int, word string) any {
	if t.affinities[place] == "BLOB" {
		return inspect.Literal(word)
	}
	return word
}

// contains returns an expression that is 1 if a column holds a text. The function instr knows texts with zero bytes, which LIKE
// does not, and has no wildcards.
func contains(column string) string {
	c := capi.Identifier(column)
	return fmt.Sprintf("CASE WHEN typeof(%[1]s) IN ('blob', 'null') OR octet_length(%[1]s) > %[2]d THEN 0 ELSE instr(lower(%[1]s), lower(?)) > 0 END", c, longestSearched)
}
