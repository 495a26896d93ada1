package inspect

import (
	"errors"
	"fmt"

	"firn/sqlite/internal/capi"
)

// Integrity runs SQLite's integrity_check on the whole image. If SQLite refuses that for the sake of one table, or does
// not know all tables, Integrity looks at the tables one by one, and at the whole without CHECK constraints.
func (i *Inspection) Integrity() error {
	if i.unparsed != nil { // pages of what SQLite passes over would count as lost
		return i.byTable()
	}
	err := i.check(fmt.Sprint(Most))
	if !CannotLook(err) {
		return err
	}
	if rest := i.unconstrained(fmt.Sprint(Most)); rest != nil && !CannotLook(rest) {
		return rest
	}
	before := len(i.Missed)
	if err := i.byTable(); err != nil {
		return err
	}
	if len(i.Missed) == before { // the error is about no table
		return i.miss("", err)
	}
	return nil
}

func (i *Inspection) byTable() error {
	tables, err := i.Tables()
	if err != nil {
		return err
	}
	for _, t := range tables {
		if err := i.Table(t); err != nil {
			return err
		}
	}
	return nil
}

// Table runs SQLite's integrity_check on one table, which may be virtual. Without a function that a CHECK constraint
// calls, it looks at everything else.
func (i *Inspection) Table(name string) error {
	whole := i.check(capi.Quote(name))
	if !CannotLook(whole) {
		return whole
	}
	rest := i.unconstrained(capi.Quote(name))
	if rest == nil {
		return i.miss("CHECK constraints of table "+name+": ", whole)
	}
	return i.miss("table "+name+": ", rest)
}

// check runs integrity_check with a value.
func (i *Inspection) check(value string) error {
	return i.conn.Rows("PRAGMA integrity_check("+value+")", func(s *capi.Stmt) {
		if text := s.Text(0); text != "ok" && len(i.Found) < Most {
			i.Found = append(i.Found, text)
		}
	})
}

// unconstrained runs integrity_check with a value, without CHECK constraints.
func (i *Inspection) unconstrained(value string) error {
	if err := i.conn.Exec("PRAGMA ignore_check_constraints = 1"); err != nil {
		return err
	}
	err := i.check(value)
	return errors.Join(err, i.conn.Exec("PRAGMA ignore_check_constraints = 0"))
}

// CanTable notes what [Inspection.Table] could not look at, as far as it depends on the schema. It reads no row.
func (i *Inspection) CanTable(name string) error {
	s, err := i.conn.Prepare("PRAGMA integrity_check(" + capi.Quote(name) + ")")
	if err == nil {
		s.Finalize()
	}
	return i.miss("table "+name+": ", err)
}
