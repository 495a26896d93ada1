package snapshot

import (
	"cmp"
	"slices"
)

// TableRows is the number of rows of one table.
type TableRows struct {
	Name string `json:"name"`
	Rows int64  `json:"rows"`
}

// Bounds of what a record lists by table: a record is read whenever snapshots are listed. A list is complete or not
// there: half of one would make tables look lost.
const (
	maxTables    = 256
	maxTableName = 128 // bytes
)

// SetRows records the rows of all tables. Beyond 256 tables, or with a name of more than 128 bytes, only their sum is
// kept. The image gets a list of its own, sorted by name.
func (i *Image) SetRows(tables []TableRows) {
	total, tooLong := int64(0), false
	for _, t := range tables {
		total += t.Rows
		tooLong = tooLong || len(t.Name) > maxTableName
	}
	i.RowCount, i.Tables = &total, nil
	if len(tables) <= maxTables && !tooLong {
		i.Tables = append([]TableRows{}, tables...)
		slices.SortFunc(i.Tables, func(a, b TableRows) int { return cmp.Compare(a.Name, b.Name) })
	}
}

// Rows returns the number of rows of all tables together, and whether it is known: not of snapshots by early versions of
// firn, and not of a database whose pages contradict each other. By table they are in Tables, unless that is nil.
func (i *Image) Rows() (total int64, known bool) {
	if i.RowCount == nil {
		return 0, false
	}
	return *i.RowCount, true
}
