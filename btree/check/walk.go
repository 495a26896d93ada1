package check

import (
	"context"
	"fmt"
	"sync"
)

// maxHeight is how many levels of pages SQLite goes down.
const maxHeight = 20

// trees checks all trees. One goroutine goes through the pages that are high above leaves, and the workers do the rest.
func (c *checker) trees(ctx context.Context, workers int) error {
	tasks := make(chan task, 4*workers)
	var group sync.WaitGroup
	var all []*worker
	for range workers {
		w := c.worker(ctx, workers+1)
		all = append(all, w)
		group.Go(func() {
			for k := range tasks {
				if context.Cause(ctx) != nil {
					continue
				}
				if err := guarded(func() error { return w.run(k) }); err != nil {
					c.stop(err)
				}
			}
		})
	}
	w := &walker{worker: c.worker(ctx, workers+1), tasks: tasks}
	all = append(all, w.worker)
	for _, t := range c.forest {
		if err := guarded(func() error { return w.tree(t) }); err != nil {
			c.stop(err)
			break
		}
	}
	close(tasks)
	group.Wait()
	c.judgeKeys(all)
	for _, w := range all {
		for i, t := range w.tallies {
			c.entries[i].entries.add(t.entries)
			c.entries[i].rows.add(t.rows)
		}
	}
	return context.Cause(ctx)
}

// guarded returns a panic of a function as an error: no database may end the program that checks it.
func guarded(f func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("check: internal error: %v", cause)
		}
	}()
	return f()
}

// walker goes through the pages of trees down to those above leaves.
type walker struct {
	*worker
	tasks chan<- task
}

// tree checks one tree.
func (w *walker) tree(t *tree) error {
	if t.root > 1 {
		w.point(t, t.root, pointerRoot, 0)
	}
	if !w.refer(t, 1, t.root) {
		return nil
	}
	height, err := w.height(t)
	if err != nil {
		return err
	}
	return w.walk(t, t.root, height, nil, nil)
}

// height returns how many levels are below the root, and sets the kind of a tree without a definition.
func (w *walker) height(t *tree) (int, error) {
	b := make([]byte, w.PageSize)
	var p page
	number := t.root
	for height := range maxHeight {
		if err := w.read(number, b); err != nil {
			return 0, err
		}
		err := p.parse(number, b, w.Usable())
		if height == 0 && err == nil && !t.table.known && t.index == nil {
			t.isTable = p.isTable()
		}
		if err != nil || p.leaf() {
			return height, nil
		}
		if number = p.child(0); number == 0 || number > w.PageCount {
			return height + 1, nil
		}
	}
	w.found(t, Depth, t.root, "a tree of more than %d levels", maxHeight)
	return 0, nil
}

// walk goes through a page and the pages below it.
func (w *walker) walk(t *tree, number uint32, height int, low, high *separator) error {
	if height <= 1 {
		select {
		case w.tasks <- task{t, number, height == 1, low, high}:
			return nil
		case <-w.ctx.Done():
			return context.Cause(w.ctx)
		}
	}
	b := make([]byte, w.PageSize)
	if err := w.read(number, b); err != nil {
		return err
	}
	p := &page{}
	if !w.accept(p, t, number, b, false) {
		return nil
	}
	for i := range len(p.cells) + 1 {
		next := high
		if i < len(p.cells) {
			var err error
			if next, err = w.separator(t, p, &p.cells[i], low, high); err != nil {
				return err
			}
		}
		child := p.child(i)
		if w.refer(t, number, child) {
			w.point(t, child, pointerChild, number)
			if err := w.walk(t, child, height-1, low, next); err != nil {
				return err
			}
		}
		low = next
	}
	return nil
}

// separator checks the cell of a page and returns its key.
func (w *walker) separator(t *tree, p *page, cl *cell, low, high *separator) (*separator, error) {
	if t.isTable {
		w.between(t, p.number, low.row(), bound{cl.rowID, true}, high.row())
		return &separator{rowID: cl.rowID}, nil
	}
	s := &separator{}
	w.previous.valid = false
	if err := w.entry(t, p, cl); err != nil {
		return nil, err
	}
	s.entry.copy(&w.previous) // the current entry has become the previous one
	return s, nil
}

// compareEntries compares the entries of indexes with those that the rows ask for. It returns the numbers of those that
// differ.
func (c *checker) compareEntries() (wrong []int) {
	for i, x := range c.indexes {
		e := c.entries[i]
		switch {
		case !x.computable() || x == x.table.primary && x.table.withoutRowid:
			continue
		case e.entries.count != e.rows.count:
			c.find(Finding{Kind: Entries, Table: x.table.name, Index: x.name,
				Text: fmt.Sprintf("wrong # of entries: %d, and %d rows", e.entries.count, e.rows.count)})
		case e.entries != e.rows && !c.left[older(x)]:
			c.find(Finding{Kind: Entries, Table: x.table.name, Index: x.name, Text: "entries differ from the rows"})
		default:
			continue
		}
		wrong = append(wrong, i)
	}
	return wrong
}
