package check

import (
	"bytes"
	"context"
	"slices"

	"firn/sqlite/caseless"
)

// node is a page of a tree, and the keys between which its keys are.
type node struct {
	page      uint32
	low, high *separator
}

// tree checks one tree, height by height from the root down. A page is shared if it is the same on both sides, is in
// both trees at the same height, and between the same keys. Its whole subtree has been proved then, but for the pages in
// it that differ.
func (d *difference) tree(ctx context.Context, i int) error {
	trees := [2]*tree{d.sides[before].forest[i], d.sides[after].forest[i]}
	root := trees[after].root
	var heights [2]int
	for side, w := range d.workers {
		var err error
		if heights[side], err = w.height(trees[side]); err != nil {
			return err
		}
	}
	var same []node
	var others [2][]node
	shared := !d.differs(root)
	if shared {
		same, heights[after] = []node{{page: root}}, heights[before]
	}
	for height := max(heights[before], heights[after]); height >= 0; height-- {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		for side := range heights {
			if heights[side] == height && !shared {
				others[side] = append(others[side], node{page: root})
			}
			if heights[side] == height && !shared && root > 1 {
				d.workers[side].point(trees[side], root, pointerRoot, 0)
			}
		}
		same = append(same, d.settle(trees, &others)...)
		if len(others[before])+len(others[after]) > 0 {
			d.touched[caseless.Fold(trees[after].table.name)] = true
		}
		var err error
		if same, others, err = d.descend(trees, height, same, others); err != nil {
			return err
		}
	}
	return nil
}

// settle finds shared pages among the others, and takes them out.
func (d *difference) settle(trees [2]*tree, others *[2][]node) (same []node) {
	known := map[uint32]node{}
	for _, n := range others[before] {
		if !d.differs(n.page) {
			known[n.page] = n
		}
	}
	taken := map[uint32]bool{}
	others[after] = slices.DeleteFunc(others[after], func(n node) bool {
		m, ok := known[n.page]
		if !ok || taken[n.page] || !alikeKeys(trees[after], m.low, n.low) || !alikeKeys(trees[after], m.high, n.high) {
			return false
		}
		taken[n.page] = true
		same = append(same, n)
		return true
	})
	others[before] = slices.DeleteFunc(others[before], func(n node) bool { return taken[n.page] })
	return same
}

// alikeKeys reports whether two separators are the same.
func alikeKeys(t *tree, a, b *separator) bool {
	switch {
	case a == b:
		return true
	case a == nil || b == nil:
		return false
	case t.isTable:
		return a.rowID == b.rowID
	case a.page != 0 && a.page == b.page && a.cell == b.cell:
		return true
	}
	return a.entry.valid && b.entry.valid && slices.EqualFunc(a.entry.fields, b.entry.fields, func(f, g field) bool {
		return f.serial == g.serial && bytes.Equal(f.body, g.body)
	})
}

// descend checks the pages of one height that are not shared, and returns the pages below.
func (d *difference) descend(trees [2]*tree, height int, same []node, others [2][]node) (nextSame []node, next [2][]node, err error) {
	for _, n := range same {
		if height == 0 {
			break
		}
		if nextSame, err = d.below(trees[after], n, height, nextSame, &next); err != nil {
			return nil, next, err
		}
	}
	for side, w := range d.workers {
		for _, n := range others[side] {
			children, err := d.visit(w, trees[side], n, height)
			if err != nil {
				return nil, next, err
			}
			next[side] = append(next[side], children...)
		}
	}
	return nextSame, next, nil
}

// below finds the children of a shared page. A child that differs is in both trees.
func (d *difference) below(t *tree, n node, height int, same []node, others *[2][]node) ([]node, error) {
	w := d.workers[after]
	if err := w.read(n.page, w.parents); err != nil {
		return nil, err
	}
	p := &w.parent
	if err := p.parse(n.page, w.parents, w.Usable()); err != nil || p.leaf() {
		d.sides[before].found(t, Page, n.page, "no interior page: %v", err)
		return same, nil
	}
	low := n.low
	for i := range len(p.cells) + 1 {
		child := p.child(i)
		var high *separator
		switch {
		case i == len(p.cells):
			high = n.high
		case height > 1 || d.differs(child) || d.differs(p.child(i+1)):
			high = &separator{rowID: p.cells[i].rowID, page: n.page, cell: i}
		}
		switch {
		case d.differs(child):
			w.point(t, child, pointerChild, n.page)
			for side := range others {
				others[side] = append(others[side], node{child, low, high})
			}
		case height > 1:
			same = append(same, node{child, low, high})
		}
		low = high
	}
	return same, nil
}

// visit checks a page that is not shared, and returns its children.
func (d *difference) visit(w *walker, t *tree, n node, height int) ([]node, error) {
	if !w.refer(t, 0, n.page) {
		return nil, nil
	}
	for _, s := range []*separator{n.low, n.high} {
		if err := w.complete(t, s); err != nil {
			return nil, err
		}
	}
	if height == 0 {
		return nil, w.run(task{tree: t, page: n.page, low: n.low, high: n.high})
	}
	b := make([]byte, w.PageSize)
	if err := w.read(n.page, b); err != nil {
		return nil, err
	}
	p := &page{}
	if !w.accept(p, t, n.page, b, false) {
		return nil, nil
	}
	var children []node
	low := n.low
	for i := range len(p.cells) + 1 {
		high := n.high
		if i < len(p.cells) {
			var err error
			if high, err = w.separator(t, p, &p.cells[i], low, n.high); err != nil {
				return nil, err
			}
		}
		w.point(t, p.child(i), pointerChild, n.page)
		children = append(children, node{p.child(i), low, high})
		low = high
	}
	return children, nil
}

// complete loads the entry of a separator in a shared page.
func (w *walker) complete(t *tree, s *separator) error {
	if s == nil || t.isTable || s.entry.valid || s.page == 0 || t.index == nil || !t.index.known {
		return nil
	}
	b := make([]byte, w.PageSize)
	if err := w.read(s.page, b); err != nil {
		return err
	}
	p := &page{}
	if err := p.parse(s.page, b, w.Usable()); err != nil || s.cell >= len(p.cells) {
		return nil
	}
	cl := &p.cells[s.cell]
	payload, err := w.load(t, p, cl, func([]byte) int64 { return cl.size }, false)
	if payload == nil || err != nil {
		return err
	}
	if w.parseEntry(t, payload, cl.size) == "" {
		s.entry.set(payload, w.record.fields)
	}
	return nil
}
