package check

import (
	"context"
)

// worker checks leaf pages with the pages above them. Each goroutine has one.
type worker struct {
	*checker
	ctx      context.Context
	tallies  []tally // by the number of an index
	parent   page
	leaf     page
	record   record
	previous entry
	current  entry
	payload  []byte
	overflow []byte
	parents  []byte
	ahead    []byte // leaf pages that were read together
	aheadAt  uint32 // the first of them
	aheadLen int
	key      []byte
	eight    [8]byte
}

// tally is what was found of an index: its entries, and those that the rows ask for.
type tally struct{ entries, rows sum }

// readAhead is how many bytes of neighbouring pages are read at once.
const readAhead = 256 << 10

func (c *checker) worker(ctx context.Context) *worker {
	return &worker{
		checker: c, ctx: ctx, tallies: make([]tally, len(c.indexes)),
		overflow: make([]byte, c.PageSize), parents: make([]byte, c.PageSize), ahead: make([]byte, max(int(min(readAhead, c.size)), c.PageSize)),
	}
}

// task is a subtree of at most two levels, and the keys between which its keys have to be.
type task struct {
	tree      *tree
	page      uint32
	interior  bool // the page is above leaves
	low, high *separator
}

// separator is a key in a page above a subtree; nil is no key. The entry of an index may not have been loaded yet.
type separator struct {
	rowID int64
	entry entry // of an index
	page  uint32
	cell  int
}

// run does one task.
func (w *worker) run(k task) error {
	w.previous.valid = false
	if k.low != nil && !k.tree.isTable {
		w.previous.copy(&k.low.entry)
	}
	low := k.low.row()
	if k.interior {
		if err := w.read(k.page, w.parents); err != nil {
			return err
		}
		if !w.accept(&w.parent, k.tree, k.page, w.parents, false) {
			return nil
		}
		if err := w.leaves(k, low); err != nil {
			return err
		}
	} else if err := w.leafPage(k.tree, k.page, nil, low, k.high.row(), true); err != nil {
		return err
	}
	if k.high != nil && k.high.entry.valid && w.previous.valid {
		w.current.copy(&k.high.entry)
		w.order(k.tree, k.page)
	}
	return nil
}

// bound is a rowid, or none.
type bound struct {
	rowID int64
	ok    bool
}

func (s *separator) row() bound {
	if s == nil {
		return bound{}
	}
	return bound{s.rowID, true}
}

// leaves checks the leaves below a page, and the cells between them.
func (w *worker) leaves(k task, low bound) error {
	p := &w.parent
	var children []uint32
	for i := range len(p.cells) + 1 {
		children = append(children, p.child(i))
	}
	for i := range children {
		high := k.high.row()
		if i < len(p.cells) && k.tree.isTable {
			high = bound{p.cells[i].rowID, true}
			w.between(k.tree, p.number, low, high, k.high.row())
		}
		if w.refer(k.tree, p.number, children[i]) {
			w.point(k.tree, children[i], pointerChild, p.number)
			if err := w.leafPage(k.tree, children[i], children[i+1:], low, high, false); err != nil {
				return err
			}
		}
		if i == len(p.cells) {
			break
		}
		if low = high; !k.tree.isTable {
			if err := w.entry(k.tree, p, &p.cells[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// between checks a rowid of an interior page of a table.
func (w *worker) between(t *tree, page uint32, low, key, high bound) {
	if low.ok && key.rowID <= low.rowID || high.ok && key.rowID > high.rowID {
		w.found(t, Order, page, "rowid %d out of order", key.rowID)
	}
}

// leafPage checks a leaf. The pages in more will be asked for next.
func (w *worker) leafPage(t *tree, number uint32, more []uint32, low, high bound, root bool) error {
	b, err := w.fetch(number, more)
	if err != nil {
		return err
	}
	p := &w.leaf
	if !w.accept(p, t, number, b, true) {
		return nil
	}
	if len(p.cells) == 0 && number != t.root {
		w.found(t, Page, number, "an empty page")
	}
	for i := range p.cells {
		cl := &p.cells[i]
		if !t.isTable {
			if err := w.entry(t, p, cl); err != nil {
				return err
			}
			continue
		}
		if low.ok && cl.rowID <= low.rowID || high.ok && cl.rowID > high.rowID {
			w.found(t, Order, number, "rowid %d out of order", cl.rowID)
		}
		low = bound{cl.rowID, true}
		if err := w.row(t, p, cl); err != nil {
			return err
		}
	}
	return nil
}

// accept parses a page, and reports whether it is of the kind that belongs there.
func (w *worker) accept(p *page, t *tree, number uint32, b []byte, leaf bool) bool {
	if err := p.parse(number, b, w.Usable()); err != nil {
		w.found(t, Page, number, "%v", err)
		return false
	}
	switch {
	case p.leaf() != leaf:
		w.found(t, Depth, number, "child page depth differs")
		return false
	case p.isTable() != t.isTable:
		w.found(t, Depth, number, "kind %d in a tree of another kind", p.kind)
		return false
	case !leaf && len(p.cells) == 0 && number != 1:
		w.found(t, Page, number, "an empty page")
	}
	return true
}

// fetch returns a page. It reads the following pages too, if they will be asked for next.
func (w *worker) fetch(number uint32, more []uint32) ([]byte, error) {
	size := w.PageSize
	if i := int(number) - int(w.aheadAt); w.aheadLen > 0 && i >= 0 && i < w.aheadLen {
		return w.ahead[i*size:][:size], nil
	}
	n := 1
	for n <= len(more) && n < len(w.ahead)/size && more[n-1] == number+uint32(n) && more[n-1] <= w.PageCount {
		n++
	}
	w.aheadLen = 0
	if err := w.read(number, w.ahead[:n*size]); err != nil {
		return nil, err
	}
	w.aheadAt, w.aheadLen = number, n
	return w.ahead[:size], nil
}

// row checks a row of a table with rowids.
func (w *worker) row(t *tree, p *page, cl *cell) error {
	r := t.rows
	payload, err := w.load(t, p, cl, w.needs(r, cl.size), true)
	if payload == nil || err != nil || !t.table.known {
		return err
	}
	if err := w.record.parse(payload, cl.size, r.parse); err != nil {
		w.wrongRow(t, p, cl, Record, "", err.Error())
		return nil
	}
	w.values(t, p, cl)
	return nil
}

// needs returns a function that tells how much of a payload the checks of a row need.
func (w *worker) needs(r *rules, size int64) func([]byte) int64 {
	return func(payload []byte) (end int64) {
		if !r.table.known || w.record.parse(payload, size, r.parse) != nil {
			return 0
		}
		for place, f := range w.record.fields {
			if place < len(r.needed) && r.needed[place] || f.serial == 7 {
				end = w.record.ends[place]
			}
		}
		for _, c := range r.columns {
			if place := c.column.place; c.numeric && place < len(w.record.fields) && typeOf(w.record.fields[place].serial) == typeText {
				end = max(end, w.record.ends[place])
			}
		}
		return end
	}
}

func (w *worker) wrongRow(t *tree, p *page, cl *cell, kind Kind, index, text string) {
	w.find(Finding{Kind: kind, Table: t.table.name, Index: index, RowID: cl.rowID, HasRow: t.isTable, Page: p.number, Text: text})
}

// values checks the values of the row in w.record, and adds what its indexes must have.
func (w *worker) values(t *tree, p *page, cl *cell) {
	for i := range t.rows.columns {
		if text := w.value(t.rows, &t.rows.columns[i]); text != "" {
			w.wrongRow(t, p, cl, Value, "", text)
		}
	}
	for i := range t.rows.indexes {
		x := &t.rows.indexes[i]
		w.key = w.key[:0]
		for _, place := range x.places {
			f, ok := w.field(t.rows, place, cl.rowID)
			if !ok {
				w.leave(older(x.index))
			}
			w.key = f.appendTo(w.key)
		}
		if t.isTable {
			w.key = integerField(cl.rowID, w.eight[:]).appendTo(w.key)
		}
		w.tallies[x.index.number].rows.add(w.hasher.hash(w.key))
	}
}

// older is what is left of an index if some rows are older than one of its columns.
func older(x *index) Left { return Left{x.table.name, x.name, "a row is older than a column"} }

// field returns the value at a place of the record, or the rowid for place -1. It returns false if only SQLite knows it.
func (w *worker) field(r *rules, place int, rowID int64) (field, bool) {
	switch {
	case place < 0:
		return integerField(rowID, w.eight[:]), true
	case place < len(w.record.fields):
		return w.record.fields[place], true
	}
	v := r.initials[place]
	return field{v.serial, v.body}, !v.sql
}

// value returns what is wrong with the value of a column.
func (w *worker) value(r *rules, c *rule) string {
	f, ok := w.field(r, c.column.place, 0)
	if !ok {
		w.leave(Left{Table: r.table.name, Why: "a row is older than column " + c.column.name})
		return ""
	}
	kind := typeOf(f.serial)
	switch {
	case c.column.notNull && (kind == typeNull || f.serial == 7 && f.null()):
		return "NULL value in " + r.table.name + "." + c.column.name
	case kind&c.allowed != 0:
		return ""
	case c.numeric && !looksNumeric(f.body, r.width, r.low):
		return ""
	}
	return "value of a wrong type in " + r.table.name + "." + c.column.name
}

// entry checks an entry of an index, or a row WITHOUT ROWID.
func (w *worker) entry(t *tree, p *page, cl *cell) error {
	x := t.index
	whole := func([]byte) int64 { return cl.size }
	if t.rows != nil {
		whole = w.needs(t.rows, cl.size)
	}
	payload, err := w.load(t, p, cl, whole, true)
	if payload == nil || err != nil || x == nil || !x.known {
		return err
	}
	if text := w.parseEntry(t, payload, cl.size); text != "" {
		w.found(t, Record, p.number, "%s", text)
		return nil
	}
	if t.rows != nil {
		w.values(t, p, cl)
	} else {
		w.key = w.key[:0]
		for _, f := range w.record.fields {
			w.key = f.appendTo(w.key)
		}
		w.tallies[x.number].entries.add(w.hasher.hash(w.key))
	}
	w.current.set(payload, w.record.fields)
	w.order(t, p.number)
	return nil
}

// parseEntry parses an entry, and returns what is wrong with it.
func (w *worker) parseEntry(t *tree, payload []byte, size int64) string {
	n := t.index.fields()
	if t.rows != nil {
		n = t.rows.parse
	}
	if err := w.record.parse(payload, size, n); err != nil {
		return err.Error()
	}
	fields := w.record.fields
	switch {
	case t.rows != nil && len(fields) < t.index.keys:
		return "a row without its whole key"
	case t.rows == nil && (len(fields) != n || !w.record.exact):
		return "an entry with another number of values than its index"
	case t.rows == nil && !t.table.withoutRowid && typeOf(fields[n-1].serial) != typeInteger:
		return "rowid not at the end of an entry"
	}
	return ""
}

// entry is a key of an index that outlives its page.
type entry struct {
	valid  bool
	bytes  []byte
	fields []field
}

// set copies the values of an entry.
func (e *entry) set(payload []byte, fields []field) {
	e.valid, e.bytes, e.fields = true, e.bytes[:0], e.fields[:0]
	for _, f := range fields {
		e.bytes = append(e.bytes, f.body...)
	}
	at := 0
	for _, f := range fields {
		e.fields = append(e.fields, field{f.serial, e.bytes[at : at+len(f.body)]})
		at += len(f.body)
	}
}

func (e *entry) copy(other *entry) {
	if other.valid {
		e.set(nil, other.fields)
	}
	e.valid = other.valid
}

// order compares the current entry with the one before it, and puts it in its place.
func (w *worker) order(t *tree, page uint32) {
	x := t.index
	if w.previous.valid && x.orderly {
		switch n, differs := w.compare(x, w.previous.fields, w.current.fields, t.rows != nil); {
		case n >= 0:
			w.found(t, Order, page, "keys out of order")
		case !differs && x.unique && t.rows == nil:
			w.find(Finding{Kind: Unique, Table: x.table.name, Index: x.name, Page: page, Text: "non-unique entry"})
		}
	}
	w.previous, w.current = w.current, w.previous
}

// compare compares two entries. Differs is true if their named columns are not the same key: because one of them is
// NULL, or because they differ.
func (w *worker) compare(x *index, a, b []field, row bool) (n int, differs bool) {
	last := len(x.columns)
	if row {
		last = x.keys
	}
	for i, c := range x.columns[:last] {
		n, ok := compare(a[i], b[i], c.order, w.Encoding)
		if !ok {
			w.leave(Left{x.table.name, x.name, "texts that are no UTF-16"})
			return -1, true
		}
		if i < x.keys && a[i].null() && !row {
			differs = true
		}
		if n != 0 {
			if c.desc {
				n = -n
			}
			return n, differs || i < x.keys
		}
	}
	if row || x.table.withoutRowid {
		return 0, false
	}
	m, n2 := a[last].integer(), b[last].integer()
	switch {
	case m < n2:
		return -1, differs
	case m > n2:
		return 1, true
	}
	return 0, false
}
