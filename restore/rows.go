package restore

import (
	"maps"
	"slices"

	"firn/snapshot"
)

// Rows are the numbers of rows of tables, less than 0 where one is unknown. They are nil if nothing is known by table.
type Rows map[string]int64

// RowsOf returns the numbers of rows of a snapshot's tables.
func RowsOf(i *snapshot.Image) Rows {
	if i.Tables == nil {
		return nil
	}
	rows := make(Rows, len(i.Tables))
	for _, t := range i.Tables {
		rows[t.Name] = t.Rows
	}
	return rows
}

// Total returns the number of all rows. It is not known if that of one table is not.
func (r Rows) Total() (total int64, known bool) {
	for _, n := range r {
		if n < 0 {
			return 0, false
		}
		total += n
	}
	return total, r != nil
}

// Differing returns the names of the tables in which two numbers of rows differ, sorted. An unknown number is like any other
// unknown one. If nothing is known of one side there is nothing to compare.
func (r Rows) Differing(other Rows) []string {
	if r == nil || other == nil {
		return nil
	}
	names := make(map[string]bool)
	for _, rows := range []Rows{r, other} {
		for name := range rows {
			names[name] = true
		}
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(names)), func(name string) bool { return r.same(other, name) })
}

// same reports whether a table has as many rows on both sides, or is missing on both, or unknown on both.
func (r Rows) same(other Rows, table string) bool {
	a, here := r[table]
	b, there := other[table]
	return here == there && max(a, -1) == max(b, -1)
}
