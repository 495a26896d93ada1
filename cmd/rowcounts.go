package cmd

import "firn/snapshot"

// rowsOf returns the numbers of rows of a snapshot's tables, nil if they are unknown.
func rowsOf(*snapshot.Snapshot) rowCounts { return nil }

// rowsText returns the number of a snapshot's rows for a table.
func rowsText(*snapshot.Snapshot) string { return "" }
