package rowsync

import (
	"fmt"
	"strings"
)

// checkParents looks whether the rows to which written rows refer are there afterwards. It asks the image for missing ones, if
// the request takes them along, and refuses what would break a foreign key.
func (a *analysis) checkParents() error {
	missing := map[*reference]int{}
	finals := map[*reference]map[string]bool{}
	for _, c := range a.actions {
		if !c.writes() {
			continue
		}
		for _, ref := range c.table.parents {
			ok, err := a.hasParent(c, ref, finals)
			if err != nil {
				return err
			}
			if !ok {
				missing[ref]++
			}
		}
	}
	if len(a.queue) > 0 {
		return nil
	}
	var reasons []string
	for _, c := range a.actions { // in a stable order
		for _, ref := range c.table.parents {
			if n := missing[ref]; n > 0 {
				delete(missing, ref)
				reasons = append(reasons, fmt.Sprintf("%s rows of %s that are missing", counted(n, ref.table, "needs", "need"), ref.parent))
			}
		}
	}
	if len(reasons) == 0 {
		return nil
	}
	if a.request.Parents {
		return refuse("Restore the missing rows first, from an older snapshot if need be: --dry-run shows which rows are in their way.",
			"%s: the snapshot does not have them, or other rows have their keys now", strings.Join(reasons, "; "))
	}
	return refuse("--with-parents takes them along, if the snapshot has them.", "%s", strings.Join(reasons, "; "))
}

// hasParent reports whether the row to which a row refers is there afterwards, or was asked for.
func (a *analysis) hasParent(c *action, ref *reference, finals map[*reference]map[string]bool) (bool, error) {
	if ref.err != nil {
		return false, ref.err
	}
	key, values, whole := ref.key(c.final(), ref.from)
	if !whole {
		return true, nil // NULL refers to nothing; a column that the image does not have is checked at the end
	}
	if ref.target == nil {
		return false, nil
	}
	if ref.target.err != nil {
		return false, ref.target.err
	}
	there, err := a.first(ref.target, index{columns: ref.to, collations: ref.collations}, values)
	if err != nil {
		return false, err
	}
	if there != nil {
		of := a.byRow[ref.target.name+"\x00"+ref.target.id(there)]
		if of == nil || a.keeps(of, ref, key) {
			return true, nil
		}
	}
	if finals[ref] == nil {
		finals[ref] = a.finalKeys(ref)
	}
	if finals[ref][key] {
		return true, nil
	}
	by := index{columns: ref.to, collations: ref.collations}
	return a.request.Parents && a.demand(demand{table: ref.target, by: by, values: values, mode: Insert, parent: true}), nil
}

// keeps reports whether a row still has a key afterwards to which others refer.
func (a *analysis) keeps(of *action, ref *reference, key string) bool {
	if of.kind == Deleted {
		return false
	}
	after, _, whole := ref.key(of.final(), ref.to)
	return whole && after == key
}

// finalKeys returns the keys of the rows that are written, to which a reference may refer.
func (a *analysis) finalKeys(ref *reference) map[string]bool {
	keys := map[string]bool{}
	for _, c := range a.actions {
		if c.table == ref.target && c.writes() {
			if key, _, whole := ref.key(c.final(), ref.to); whole {
				keys[key] = true
			}
		}
	}
	return keys
}

// demandChildren asks the image for the rows that refer to rows that come back, but not to those that are only their parents.
func (a *analysis) demandChildren() error {
	for _, c := range a.actions {
		if c.kind != Inserted || c.parent {
			continue
		}
		for _, ref := range c.table.children {
			if ref.err != nil {
				return ref.err
			}
			if _, values, whole := ref.key(c.want, ref.to); whole {
				a.demand(demand{table: ref.table, by: ref.index(), values: values, mode: a.childMode(), behind: !a.request.Children})
			}
		}
	}
	return nil
}

// childMode is the mode of rows that come back with others. Only of the table that was asked for, rows are deleted that the image
// does not have.
func (a *analysis) childMode() Mode {
	if a.request.Mode == Replace {
		return Upsert
	}
	return a.request.Mode
}

// checkReferring refuses to delete rows, or to change their keys, to which other rows refer: SQLite would delete or change
// these rows, too, or refuse. Rows that refer to a deleted row and go as well, go first.
func (a *analysis) checkReferring() error {
	inUse := map[*reference]int{}
	for _, c := range a.actions {
		if c.kind != Deleted && c.kind != Changed {
			continue
		}
		err := a.eachReferring(c, func(ref *reference, child *row, of *action) error {
			key, _, _ := ref.key(c.have, ref.to)
			switch {
			case of == nil:
				inUse[ref]++
			case of.kind == Deleted || !a.refers(of, ref, key):
				c.after = append(c.after, of)
			default:
				inUse[ref]++
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	for _, c := range a.actions {
		for _, ref := range c.table.children {
			if n := inUse[ref]; n > 0 {
				return a.refuseInUse(ref, n)
			}
		}
	}
	return nil
}

// refers reports whether a row refers to a key afterwards.
func (a *analysis) refers(of *action, ref *reference, key string) bool {
	after, _, whole := ref.key(of.final(), ref.from)
	return whole && after == key
}

// refuseInUse says which rows refer to rows that would go.
func (a *analysis) refuseInUse(ref *reference, n int) error {
	advice := "--with-children deletes the rows that refer to deleted rows, too."
	if a.request.Mode != Replace || a.request.Children {
		advice = "Choose the rows with --where so that these are left out, or restore the whole database."
	}
	return refuse(advice, "%s to rows of %s that would be deleted, or get another key", counted(n, ref.table, "refers", "refer"), ref.parent)
}

// countBehind counts the rows of the image that refer to rows that come back, are missing now, and stay so.
func (a *analysis) countBehind() error {
	for _, w := range a.Sync.behind {
		if w.table.err != nil {
			return w.table.err
		}
		if a.byRow[w.table.name+"\x00"+w.table.id(w.row)] != nil {
			continue
		}
		have, err := a.find(w.table, w.row)
		if err != nil {
			return err
		}
		if have == nil {
			a.left[w.table]++
		}
	}
	return nil
}
