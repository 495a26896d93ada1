package rowsync

import "fmt"

// Kind says what becomes of a row.
type Kind string

// The kinds.
const (
	Inserted   Kind = "inserted"
	Changed    Kind = "changed"
	Deleted    Kind = "deleted"
	Left       Kind = "left"       // it is there now with other values, and the mode leaves it
	Missing    Kind = "missing"    // it is not there now, and the mode inserts nothing
	Conflicted Kind = "conflicted" // another row has its key, so it is left out
)

// action is what becomes of one row.
type action struct {
	table  *table
	kind   Kind
	id     string
	want   *row // of the image; nil for a row that is deleted
	have   *row // of the live database; nil for one that is missing there
	parent bool // it is only taken along because others refer to it
	why    string
	after  []*action // that have to be done first
	state  int       // of the ordering
	parked bool      // the row was deleted, and is inserted in the place of a change
}

// writes reports whether the action gives a row its values.
func (a *action) writes() bool { return a.kind == Inserted || a.kind == Changed }

// final returns the row as it is afterwards, nil if it is gone.
func (a *action) final() *row {
	switch a.kind {
	case Inserted:
		return a.want
	case Changed:
		return a.have.merged(a.want)
	case Deleted, Missing:
		return nil
	}
	return a.have
}

// conflict leaves the row out.
func (a *action) conflict(format string, args ...any) {
	a.kind, a.why = Conflicted, fmt.Sprintf(format, args...)
}

// key is the place of the action among all.
func (a *action) key() string { return a.table.name + "\x00" + a.id }
