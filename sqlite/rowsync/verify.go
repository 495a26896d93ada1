package rowsync

// verify looks, before the commit, whether each row is what the plan says, and whether a foreign key is broken. SQLite itself
// counts broken keys, but a row that was an orphan before and gets its parent now can make up for a new one.
func (a *analysis) verify() error {
	for _, c := range a.actions {
		var err error
		switch c.kind {
		case Inserted, Changed:
			err = a.verifyWritten(c)
		case Deleted:
			err = a.verifyLeft(c)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// verifyWritten looks at a row that was written, with the defaults that it got.
func (a *analysis) verifyWritten(c *action) error {
	final := c.final()
	back, err := a.find(c.table, final)
	if err != nil {
		return err
	}
	if !a.request.Triggers && (back == nil || len(back.differing(final)) > 0) {
		return refuse("Look at the definition of the table: an older SQLite may have made the snapshot's.",
			"the row %s of %s is not stored as it should be", c.table.label(final), c.table.name)
	}
	if back == nil { // a trigger has removed it
		return nil
	}
	for _, ref := range c.table.parents {
		_, values, whole := ref.key(back, ref.from)
		if !whole {
			continue
		}
		there, err := a.hasRow(ref, values)
		if err != nil {
			return err
		}
		if !there {
			return ref.refuseBroken(c.table, back)
		}
	}
	if c.kind == Changed {
		return a.verifyLeft(c)
	}
	return nil
}

// verifyLeft looks whether rows still refer to a row that has gone, or has another key now.
func (a *analysis) verifyLeft(c *action) error {
	return a.eachReferring(c, func(ref *reference, child *row, _ *action) error {
		_, values, _ := ref.key(c.have, ref.to)
		there, err := a.hasRow(ref, values)
		if err == nil && !there {
			err = ref.refuseBroken(ref.table, child)
		}
		return err
	})
}

// hasRow reports whether the parent of a reference has a row with a key.
func (a *analysis) hasRow(ref *reference, values []any) (bool, error) {
	if ref.target == nil {
		return false, nil
	}
	there, err := a.first(ref.target, index{columns: ref.to, collations: ref.collations}, values)
	return there != nil, err
}

// refuseBroken names a row whose foreign key would be broken.
func (r *reference) refuseBroken(t *table, of *row) error {
	return refuse("Look at the row and at the defaults of its columns, or take more rows along: --with-parents, --with-children.",
		"a foreign key would be broken: the row %s of %s refers to a missing row of %s", t.label(of), t.name, r.parent)
}
