package cmd

import (
	"fmt"
	"strconv"

	"firn/report"
	"firn/restore"
	"firn/snapshot"
)

// rowsText returns the number of a snapshot's rows as text, "" if it is not known.
func rowsText(i *snapshot.Image) string {
	total, known := i.Rows()
	if !known {
		return ""
	}
	return strconv.FormatInt(total, 10)
}

// tableText returns the number of a table's rows as text, "" if nothing is known of the database.
func tableText(rows restore.Rows, table string) string {
	n, ok := rows[table]
	switch {
	case rows == nil:
		return ""
	case !ok:
		return "no such table"
	case n < 0:
		return "not counted"
	}
	return strconv.FormatInt(n, 10)
}

// totalText returns the number of all rows as text, "" if nothing is known of the database.
func totalText(rows restore.Rows) string {
	if rows == nil {
		return ""
	}
	total, known := rows.Total()
	if !known {
		return "not all counted"
	}
	return fmt.Sprintf("%d in %s", total, report.Plural(len(rows), "table"))
}
