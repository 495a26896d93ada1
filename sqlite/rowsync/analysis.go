package rowsync

import (
	"cmp"
	"context"
	"fmt"
)

// analysis finds out what becomes of the rows, by one state of the live database.
type analysis struct {
	*Sync
	db      *connection
	ctx     context.Context // of the condition
	actions []*action
	byRow   map[string]*action // by table and ID; of rows that stay as they are, too
	same    map[*table]int
	left    map[*table]int // rows that are not taken along
}

// analyse compares the rows. If it puts demands into the queue, it has to be repeated once they are met.
func (s *Sync) analyse(ctx context.Context, db *connection) (*analysis, error) {
	s.forget()
	a := &analysis{Sync: s, db: db, ctx: ctx, byRow: map[string]*action{}, same: map[*table]int{}, left: map[*table]int{}}
	for _, w := range s.wanted {
		if err := a.classify(w); err != nil {
			return nil, err
		}
	}
	steps := []func() error{a.findExtra, a.resolveKeys, a.checkParents, a.demandChildren, a.checkReferring, a.countBehind}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// classify compares a wanted row with the live one.
func (a *analysis) classify(w wanted) error {
	if w.table.err != nil {
		return w.table.err
	}
	have, err := a.find(w.table, w.row)
	if err != nil {
		return err
	}
	c := &action{table: w.table, want: w.row, have: have, parent: w.parent}
	c.id = w.table.id(w.row)
	if have != nil {
		c.id = w.table.id(have)
	}
	switch {
	case a.byRow[c.key()] != nil:
		c.conflict("another row of the snapshot has the same key now")
		a.actions = append(a.actions, c)
		return nil
	case have == nil && !w.table.canFind(w.row):
		c.conflict("a part of its key is NULL, and no column tells it from others")
	case have == nil && w.mode == Update:
		c.kind = Missing
	case have == nil:
		c.kind = Inserted
	case len(have.differing(w.row)) == 0:
		a.same[w.table]++
		a.byRow[c.key()] = c
		return nil
	case w.mode == Insert:
		c.kind = Left
	default:
		c.kind = Changed
	}
	a.actions = append(a.actions, c)
	a.byRow[c.key()] = c
	return nil
}

// find returns the live row that is the same row as one of the image, nil if there is none.
func (a *analysis) find(t *table, r *row) (*row, error) {
	if t.byRowid() {
		return a.findByRowid(t, r.rowid)
	}
	if values, whole := r.pick(t.key.columns); whole {
		return a.first(t, t.key, values)
	}
	if !t.canFind(r) {
		return nil, nil
	}
	have, err := a.findByRowid(t, r.rowid)
	if err != nil || have == nil || t.id(have) != t.id(r) {
		return nil, err
	}
	return have, nil
}

// findByRowid returns the live row with a rowid, nil for none.
func (a *analysis) findByRowid(t *table, rowid any) (found *row, err error) {
	err = a.db.query(t.selectNow()+" WHERE "+t.rowid+" = ?", []any{rowid}, func(values []any) error {
		found = t.rowNow(values)
		return nil
	})
	return found, err
}

// first returns a live row with these values in the columns of an index, nil for none.
func (a *analysis) first(t *table, by index, values []any) (*row, error) {
	rows, err := a.all(t, by, values)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return rows[0], nil
}

// all returns the live rows with these values in the columns of an index.
func (a *analysis) all(t *table, by index, values []any) (rows []*row, err error) {
	err = a.db.query(t.selectNow()+" WHERE "+t.equals(by), values, func(values []any) error {
		rows = append(rows, t.rowNow(values))
		return nil
	})
	return rows, err
}

// findExtra finds the live rows that a replacement deletes.
func (a *analysis) findExtra() error {
	if a.request.Mode != Replace {
		return nil
	}
	var extra []*row
	var held int64
	err := a.db.query(a.table.selectNow(), nil, func(values []any) error {
		r := a.table.rowNow(values)
		if c := a.byRow[a.table.name+"\x00"+a.table.id(r)]; c != nil {
			return nil
		}
		held += r.size()
		extra = append(extra, r)
		return checkHeld(held)
	})
	if err == nil && a.request.Where != "" {
		extra, err = fulfilling(a.ctx, a.table, extra, a.request)
	}
	if err != nil {
		return err
	}
	for _, r := range extra {
		if err := a.remove(a.table, r); err != nil {
			return err
		}
	}
	return nil
}

// remove deletes a row, after the rows that refer to it if the request says so.
func (a *analysis) remove(t *table, r *row) error {
	c := &action{table: t, kind: Deleted, id: t.id(r), have: r}
	if a.byRow[c.key()] != nil {
		return nil
	}
	if !t.canFind(r) {
		return refuse("Choose the rows with --where so that it is left out.",
			"table %s: a row cannot be deleted, since a part of its key is NULL and no column tells it from others", t.name)
	}
	a.byRow[c.key()] = c
	a.actions = append(a.actions, c)
	if !a.request.Children {
		return nil
	}
	return a.eachReferring(c, func(ref *reference, child *row, of *action) error {
		if of != nil {
			return nil // what becomes of it is known already
		}
		return a.remove(ref.table, child)
	})
}

// eachReferring calls f for each live row that refers to the live row of an action, with the action of its own, nil for none.
func (a *analysis) eachReferring(c *action, f func(ref *reference, child *row, of *action) error) error {
	for _, ref := range c.table.children {
		if err := cmp.Or(ref.err, ref.table.err); err != nil {
			return err
		}
		key, values, whole := ref.key(c.have, ref.to)
		if !whole || c.kind == Changed && a.keeps(c, ref, key) {
			continue
		}
		rows, err := a.all(ref.table, ref.index(), values)
		if err != nil {
			return err
		}
		for _, child := range rows {
			of := a.byRow[ref.table.name+"\x00"+ref.table.id(child)]
			if of == c { // it refers to itself
				continue
			}
			if err := f(ref, child, of); err != nil {
				return err
			}
		}
	}
	return nil
}

// counted returns the number of rows of a table and a verb, for people.
func counted(n int, t *table, one, many string) string {
	if n == 1 {
		return fmt.Sprintf("1 row of %s %s", t.name, one)
	}
	return fmt.Sprintf("%d rows of %s %s", n, t.name, many)
}
