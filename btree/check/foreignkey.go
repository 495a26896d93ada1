package check

import (
	"firn/sqlite/caseless"
)

// ForeignKey is a foreign key of one column.
type ForeignKey struct {
	Child, Column string
	Parent, Key   string // no key is the parent's primary key
}

// Most foreign keys refer to the rowids of their parents. A set of all rowids of the parent, and one of all values of the child, both
// collected while the pages are read, tell whether each child has its parent. SQLite looks up each of them. It is still SQLite that names
// the rows which have none.

// candidate is a foreign key that can be checked without look-ups: the numbers of the two sets.
type candidate struct {
	key             ForeignKey
	values, parents int
}

// referring is a column whose values are collected.
type referring struct {
	place int // in the record, -1 for the rowid
	set   int
}

// mostStretches is how many stretches the sets of all workers have after they are merged: 16 MiB. Keys that were drawn from all integers
// take one each.
const mostStretches = 1 << 20

// refersTo prepares the collection for the foreign keys that refer to a rowid.
func (c *checker) refersTo(keys []ForeignKey, tables map[string]*table) {
	rules := map[*table]*rules{}
	for _, t := range c.forest {
		if t.rows != nil {
			rules[t.table] = t.rows
		}
	}
	for _, k := range keys {
		child, parent := tables[caseless.Fold(k.Child)], tables[caseless.Fold(k.Parent)]
		if child == nil || parent == nil || !child.known || !parent.known || !parent.isRowID(k.Key) {
			continue
		}
		number, ok := child.column(k.Column)
		if !ok || child.columns[number].place < 0 && number != child.alias {
			continue
		}
		own, others := rules[child], rules[parent]
		if others.rowIDs == 0 {
			others.rowIDs = c.newSet()
		}
		values := c.newSet()
		own.refer(number, values)
		c.candidates = append(c.candidates, candidate{k, values, others.rowIDs})
	}
}

// isRowID reports whether a column is the rowid: the primary key for no name.
func (t *table) isRowID(column string) bool {
	return t.alias >= 0 && (column == "" || caseless.Same(t.columns[t.alias].name, column))
}

// newSet returns the number of a new set of integers. No set has the number 0.
func (c *checker) newSet() int { c.sets++; return c.sets }

// refer has the values of a column collected.
func (r *rules) refer(column, set int) {
	place := -1
	if column != r.table.alias {
		place = r.table.columns[column].place
		r.needed[place] = true
	}
	r.refers = append(r.refers, referring{place, set})
}

// collectors returns the sets of one goroutine, by their numbers.
func (c *checker) collectors(workers int) []integers {
	if c.sets == 0 {
		return nil
	}
	sets := make([]integers, c.sets+1)
	for i := range sets {
		sets[i].most = mostStretches / (len(sets) * workers)
	}
	return sets
}

// refers collects the values of the row in w.record that refer to other rows. A value that is not stored as an integer is left to SQLite,
// which converts it as the parent's column says.
func (w *worker) refers(r *rules, rowID int64) {
	for _, to := range r.refers {
		set := &w.collected[to.set]
		f, ok := w.field(r, to.place, rowID)
		switch {
		case !ok, f.serial >= 12, f.serial == 7:
			set.lose()
		case f.serial > 0:
			set.add(f.integer())
		}
	}
}

// judgeKeys finds the foreign keys that are kept, and those that are not, by the sets of all workers.
func (c *checker) judgeKeys(all []*worker) {
	whole := c.collectors(1)
	for i := range whole {
		for _, w := range all {
			whole[i].addAll(&w.collected[i])
		}
	}
	for _, k := range c.candidates {
		switch values, parents := &whole[k.values], &whole[k.parents]; {
		case values.lost || parents.lost:
		case values.within(parents):
			c.kept = append(c.kept, k.key)
		default:
			c.broken = append(c.broken, k.key)
		}
	}
}
