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

	collected []integers // by the number of a set
}

// tally is what was found of an index: its entries, and those that the rows ask for.
type tally struct{ entries, rows sum }

// readAhead is how many bytes of neighbouring pages are read at once.
const readAhead = 256 << 10

func (c *checker) worker(ctx context.Context, workers int) *worker {
	return &worker{
		checker: c, ctx: ctx, tallies: make([]tally, len(c.indexes)), collected: c.collectors(workers),
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
