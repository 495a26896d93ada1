package rowsync

import (
	"slices"
	"strings"
)

// Statement is a statement of SQL that changes one row.
type Statement struct {
	parts []string // around the values
	args  []any
}

// Text returns the statement with its values as literals.
func (s Statement) Text(literal func(any) string) string {
	var b strings.Builder
	for i, part := range s.parts {
		b.WriteString(part)
		if i < len(s.args) {
			b.WriteString(literal(s.args[i]))
		}
	}
	return b.String()
}

// text returns the statement with parameters.
func (s Statement) text() string { return strings.Join(s.parts, "?") }

// add appends words, and then a place for a value.
func (s *Statement) add(words string, value any) {
	s.last(words)
	s.parts, s.args = append(s.parts, ""), append(s.args, value)
}

// last appends words.
func (s *Statement) last(words string) {
	if len(s.parts) == 0 {
		s.parts = []string{""}
	}
	s.parts[len(s.parts)-1] += words
}

// insertion returns the statement that inserts a row, with its rowid or without it.
func (t *table) insertion(r *row, withRowid bool) (s Statement) {
	var names []string
	var values []any
	if withRowid {
		names, values = append(names, t.rowid), append(values, r.rowid)
	}
	for i, v := range r.values {
		if _, missing := v.(absent); !missing {
			names, values = append(names, identifier(t.columns[i].name)), append(values, v)
		}
	}
	separator := "INSERT INTO main." + identifier(t.name) + "(" + strings.Join(names, ", ") + ") VALUES ("
	for _, v := range values {
		s.add(separator, v)
		separator = ", "
	}
	s.last(")")
	return s
}

// change returns the statement that gives a row its values.
func (t *table) change(have, want *row) (s Statement) {
	separator := "UPDATE main." + identifier(t.name) + " SET "
	for _, c := range have.differing(want) {
		s.add(separator+identifier(t.columns[c].name)+" = ", want.values[c])
		separator = ", "
	}
	t.where(&s, have)
	return s
}

// deletion returns the statement that deletes a row.
func (t *table) deletion(have *row) (s Statement) {
	s.last("DELETE FROM main." + identifier(t.name))
	t.where(&s, have)
	return s
}

// where appends the condition that finds one row.
func (t *table) where(s *Statement, r *row) {
	values, whole := r.pick(t.key.columns)
	if !whole || t.byRowid() {
		s.add(" WHERE "+t.rowid+" = ", r.rowid)
		return
	}
	separator := " WHERE "
	for n, c := range t.key.columns {
		collation := ""
		if t.key.collations[n] != "BINARY" {
			collation = " COLLATE " + identifier(t.key.collations[n])
		}
		s.add(separator+identifier(t.columns[c].name)+collation+" = ", values[n])
		separator = " AND "
	}
}

// The states of an action while the statements are put in order.
const (
	waiting = iota
	underWay
	done
)

// order returns the statements of all actions, each after those that make way for it. Rows that give their keys to one another
// in a circle have no such order: one of them is deleted first and inserted with its new values at its turn.
func (a *analysis) order() (statements []Statement, err error) {
	var visit func(*action) error
	visit = func(c *action) error {
		c.state = underWay
		for _, d := range c.after {
			switch {
			case d.state == waiting:
				if err := visit(d); err != nil {
					return err
				}
			case d.state == underWay && d.kind == Changed && !d.parked:
				if err := a.park(d); err != nil {
					return err
				}
				statements = append(statements, d.table.deletion(d.have))
			}
		}
		c.state = done
		statements = append(statements, c.statement()...)
		return nil
	}
	for _, c := range a.byTurn() {
		if c.state == waiting {
			if err := visit(c); err != nil {
				return nil, err
			}
		}
	}
	return statements, nil
}

// byTurn returns the actions with the inserted rows at the end, and those among them last to which SQLite gives a rowid: it
// must not be one that another row brings along.
func (a *analysis) byTurn() []*action {
	turn := func(c *action) int {
		switch {
		case c.kind != Inserted:
			return 0
		case c.rowidGiven():
			return 1
		}
		return 2
	}
	actions := slices.Clone(a.actions)
	slices.SortStableFunc(actions, func(x, y *action) int { return turn(x) - turn(y) })
	return actions
}

// statement returns the statement of an action, if it has one.
func (a *action) statement() []Statement {
	switch {
	case a.kind == Inserted:
		return []Statement{a.table.insertion(a.want, a.rowidGiven())}
	case a.kind == Deleted:
		return []Statement{a.table.deletion(a.have)}
	case a.kind == Changed && a.parked:
		return []Statement{a.table.insertion(a.final(), a.table.rowid != "" && !a.table.alias)}
	case a.kind == Changed:
		return []Statement{a.table.change(a.have, a.want)}
	}
	return nil
}

// park says that a row is deleted and inserted again. Rows that refer to it must not notice that.
func (a *analysis) park(c *action) error {
	for _, ref := range c.table.children {
		_, values, whole := ref.key(c.have, ref.to)
		if !whole || ref.onDelete == "NO ACTION" { // which is checked at the end
			continue
		}
		rows, err := a.all(ref.table, ref.index(), values)
		if err != nil {
			return err
		}
		if len(rows) > 0 {
			return refuse("Choose the rows with --where so that not all of them are changed, or restore the whole database.",
				"rows of %s have to exchange their keys, and rows of %s refer to them", c.table.name, ref.child)
		}
	}
	c.parked = true
	return nil
}
