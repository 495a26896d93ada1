package cmd

import (
	"fmt"
	"strconv"

	"firn/report"
	"firn/snapshot"
)

// rowCounts are the numbers of rows of tables, less than 0 where one is unknown.
// They are nil if nothing is known by table.
type rowCounts map[string]int64

// rowsOf returns the numbers of rows of a snapshot's tables.
func rowsOf(i *snapshot.Image) rowCounts {
	if i.Tables == nil {
		return nil
	}
	counts := make(rowCounts, len(i.Tables))
	for _, t := range i.Tables {
		counts[t.Name] = t.Rows
	}
	return counts
}

// rowsText returns the number of a snapshot's rows.
func rowsText(i *snapshot.Image) string {
	total, known := i.Rows()
	if !known {
		return ""
	}
	return strconv.FormatInt(total, 10)
}

// text returns the number of a table's rows.
func (c rowCounts) text(table string) string {
	n, ok := c[table]
	switch {
	case c == nil:
		return ""
	case !ok:
		return "no such table"
	case n < 0:
		return "not counted"
	}
	return strconv.FormatInt(n, 10)
}

// total returns the number of all rows.
func (c rowCounts) total() string {
	if c == nil {
		return ""
	}
	var total int64
	for _, n := range c {
		if n < 0 {
			return "not all counted"
		}
		total += n
	}
	return fmt.Sprintf("%d in %s", total, report.Plural(len(c), "table"))
}
