package snapshot

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
)

// TableRows is the number of rows of one table.
type TableRows struct {
	Name string `json:"name"`
	Rows int64  `json:"rows"`
}

// Limits of the lists by table in a record. A record must stay small, because it is read whenever
// snapshots are listed. A list is complete or absent: an incomplete one would make tables look
// lost.
const (
	maxTables    = 256
	maxTableName = 128 // bytes

	markLen  = 4 // bytes of a name's hash
	maxMarks = 1 << 16
)

// tableMarks stands for the names of tables if they are too many to be listed. It holds the first
// four bytes of the SHA-256 of each name, in ascending order and without duplicates. That is enough
// to notice a missing table, and to count tables.
type tableMarks []byte

// SetRows records the rows of all tables. Beyond 256 tables, or with a name of more than 128 bytes, only their sum and
// marks of their names are kept, and beyond 65,536 tables only the sum. The image gets a list of its own, sorted by name.
func (i *Image) SetRows(tables []TableRows) {
	total, tooLong := int64(0), false
	for _, t := range tables {
		total += t.Rows
		tooLong = tooLong || len(t.Name) > maxTableName
	}
	i.RowCount, i.Tables, i.TableMarks = &total, nil, nil
	switch {
	case len(tables) <= maxTables && !tooLong:
		i.Tables = append([]TableRows{}, tables...)
		slices.SortFunc(i.Tables, func(a, b TableRows) int { return cmp.Compare(a.Name, b.Name) })
	case len(tables) <= maxMarks:
		i.TableMarks = marksOf(tables)
	}
}

func mark(name string) uint32 {
	sum := sha256.Sum256([]byte(name))
	return binary.BigEndian.Uint32(sum[:])
}

func marksOf(tables []TableRows) tableMarks {
	marks := make([]uint32, 0, len(tables))
	for _, t := range tables {
		marks = append(marks, mark(t.Name))
	}
	slices.Sort(marks)
	b := make(tableMarks, 0, len(marks)*markLen)
	for _, m := range slices.Compact(marks) {
		b = binary.BigEndian.AppendUint32(b, m)
	}
	return b
}

// at returns the n-th mark.
func (m tableMarks) at(n int) uint32 { return binary.BigEndian.Uint32(m[n*markLen:]) }

// len returns the number of marks.
func (m tableMarks) len() int { return len(m) / markLen }

// has reports whether m contains a mark.
func (m tableMarks) has(mark uint32) bool {
	low, high := 0, m.len()
	for low < high {
		if middle := (low + high) / 2; m.at(middle) < mark {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low < m.len() && m.at(low) == mark
}

// validate checks the order that [tableMarks.has] relies on.
func (m tableMarks) validate() error {
	if len(m)%markLen != 0 || m.len() > maxMarks {
		return fmt.Errorf("%w: %d bytes of marks of tables", ErrFormat, len(m))
	}
	for n := 1; n < m.len(); n++ {
		if m.at(n-1) >= m.at(n) {
			return fmt.Errorf("%w: marks of tables out of order", ErrFormat)
		}
	}
	return nil
}

// marks returns the marks of all tables, and whether their names are known.
func (i *Image) marks() (marks tableMarks, known bool) {
	if i.Tables != nil {
		return marksOf(i.Tables), true
	}
	return i.TableMarks, i.TableMarks != nil
}

// Rows returns the number of rows of all tables together, and whether it is known. It is not known
// for snapshots by early versions of firn, and for a database whose pages contradict each other.
// Tables has the numbers for each table, unless it is nil.
func (i *Image) Rows() (total int64, known bool) {
	if i.RowCount == nil {
		return 0, false
	}
	return *i.RowCount, true
}
