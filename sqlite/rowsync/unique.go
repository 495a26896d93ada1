package rowsync

import "strings"

// resolveKeys leaves rows out whose keys other rows have, and orders the others. A row that is deleted or changed gives its
// keys away. A row that is left out keeps them, so that others may have to be left out, too.
func (a *analysis) resolveKeys() error {
	for settled := false; !settled; {
		settled = true
		taken := map[string]*action{}
		for _, c := range a.actions {
			if !c.writes() {
				continue
			}
			ok, err := a.takeKeys(c, taken)
			if err != nil {
				return err
			}
			settled = settled && ok
		}
	}
	return nil
}

// takeKeys looks whether a row can have its keys, and leaves it out otherwise.
func (a *analysis) takeKeys(c *action, taken map[string]*action) (ok bool, err error) {
	c.after = nil
	final := c.final()
	for _, u := range c.uniques() {
		key, values, whole := u.key(final)
		if !whole {
			continue
		}
		key = c.table.name + "\x00" + u.name + "\x00" + key
		if taken[key] != nil {
			c.conflict("another row that comes back has the same %s", u.label(c.table))
			return false, nil
		}
		blocking, err := a.blocking(c, u, values)
		if err != nil {
			return false, err
		}
		if blocking != nil && !a.gives(blocking, c, u, key) {
			c.conflict("the row %s has the same %s", c.table.label(blocking), u.label(c.table))
			return false, nil
		}
		taken[key] = c
	}
	return true, nil
}

// uniques returns the indexes in which the row must be the only one, besides the one by which it was found.
func (a *action) uniques() []index {
	if a.kind == Inserted && a.rowidGiven() && !a.table.byRowid() {
		return append([]index{{}}, a.table.unique...)
	}
	return a.table.unique
}

// rowidGiven reports whether an inserted row gets the rowid that it had: it is found by that.
func (a *action) rowidGiven() bool {
	if a.table.rowid == "" || a.want.rowid == nil {
		return false
	}
	_, whole := a.want.pick(a.table.key.columns)
	return a.table.byRowid() || !whole
}

// key returns the values of a row in the columns of an index; the index without columns is that of the rowid.
func (i index) key(of *row) (key string, values []any, whole bool) {
	if len(i.columns) == 0 {
		return canonical([]any{of.rowid}, nil), []any{of.rowid}, true
	}
	values, whole = of.pick(i.columns)
	return canonical(values, i.collations), values, whole
}

// blocking returns another live row that has the values in the columns of an index, nil for none.
func (a *analysis) blocking(c *action, u index, values []any) (found *row, err error) {
	if len(u.columns) == 0 {
		found, err = a.findByRowid(c.table, values[0])
	} else {
		found, err = a.first(c.table, u, values)
	}
	if found != nil && c.have != nil && c.table.id(found) == c.id {
		return nil, nil
	}
	return found, err
}

// gives reports whether the row that is in the way goes out of it, and has that done first.
func (a *analysis) gives(blocking *row, c *action, u index, key string) bool {
	other := a.byRow[c.table.name+"\x00"+c.table.id(blocking)]
	if other == nil || other.kind != Deleted && other.kind != Changed {
		return false
	}
	if other.kind == Changed {
		if after, _, whole := u.key(other.final()); whole && strings.HasSuffix(key, "\x00"+after) {
			return false
		}
	}
	c.after = append(c.after, other)
	return true
}

// label names the columns of an index for people.
func (i index) label(t *table) string {
	if len(i.columns) == 0 {
		return "rowid"
	}
	names := make([]string, len(i.columns))
	for n, c := range i.columns {
		names[n] = t.columns[c].name
	}
	return strings.Join(names, ", ")
}
