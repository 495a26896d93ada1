package btree

import "fmt"

// node is a page of one tree or of two at one height.
type node struct {
	page uint32
	up   [2]*node // parents on either side; nil at the root, and on a side without the page
}

// level holds the pages at one height of two trees: pages that both have and that are the same, and
// the other pages of each side.
type level struct {
	same   []*node
	others [2][]*node
}

// unshared returns for both trees the pages that are not the same in the other tree. Only their
// rows can differ, but for the rows that overwritten.go is about. A root is 0 where there is no
// tree. Of shared pages only interior pages are read, and each once. If visit is not nil, it is
// called for all shared pages, interior pages first.
//
// Trees are compared from the roots down, height by height counted from the leaves: both may have
// grown, so that a root is no measure. Where a page is the same in both trees, so are the numbers
// of its children. Memory is taken for the interior pages, and for the pages that are not shared.
func (p *Pair) unshared(roots [2]uint32, visit func(page uint32) error) (selections [2]*selection, err error) {
	c := comparison{pair: p, visit: visit}
	var heights [2]int
	for side, root := range roots {
		selections[side] = &selection{map[uint32]struct{}{}, map[uint32]struct{}{}}
		heights[side] = -1
		if root != 0 {
			if heights[side], err = p.files[side].height(root); err != nil {
				return selections, err
			}
		}
	}
	for height := max(heights[before], heights[after]); height >= 0; height-- {
		for side, root := range roots {
			if heights[side] == height {
				c.others[side] = append(c.others[side], &node{page: root})
			}
		}
		if err := c.settle(height); err != nil {
			return selections, err
		}
		for side, nodes := range c.others {
			for _, n := range nodes {
				selections[side].add(n, side)
			}
		}
		if height > 0 {
			if err := c.descend(height); err != nil {
				return selections, err
			}
		}
	}
	return selections, nil
}

// comparison is [Pair.unshared] at one height.
type comparison struct {
	pair  *Pair
	visit func(page uint32) error
	level
	shared int // pages of this height that both have
}

// settle finds shared pages among the others: pages that have moved from one parent to another.
func (c *comparison) settle(height int) error {
	known := make(map[uint32]*node)
	for _, n := range c.others[before] {
		if !c.pair.differs(n.page) {
			known[n.page] = n
		}
	}
	shared := make(map[uint32]bool)
	for _, n := range c.others[after] {
		if m := known[n.page]; m != nil && !shared[n.page] {
			shared[n.page] = true
			if err := c.share(&node{n.page, [2]*node{m.up[before], n.up[after]}}, height); err != nil {
				return err
			}
		}
	}
	for side, nodes := range c.others {
		kept := nodes[:0]
		for _, n := range nodes {
			if !shared[n.page] {
				kept = append(kept, n)
			}
		}
		c.others[side] = kept
	}
	return nil
}

// share adds a page to the shared pages. Nothing is kept of a leaf.
func (c *comparison) share(n *node, height int) error {
	c.shared++
	if err := c.full(after, c.shared); err != nil {
		return err
	}
	if height > 0 {
		c.same = append(c.same, n)
	}
	if c.visit != nil {
		if err := c.visit(n.page); err != nil {
			return err
		}
	}
	return nil
}

// descend replaces the pages of a height by their children.
func (c *comparison) descend(height int) error {
	above := c.level
	c.level, c.shared = level{}, 0
	for _, n := range above.same {
		err := c.children(after, n, func(child *node) error {
			child.up[before] = n
			if !c.pair.differs(child.page) {
				return c.share(child, height-1)
			}
			c.others[before] = append(c.others[before], child)
			c.others[after] = append(c.others[after], child)
			return c.full(after, len(c.others[after]))
		})
		if err != nil {
			return err
		}
	}
	for side, nodes := range above.others {
		for _, n := range nodes {
			err := c.children(side, n, func(child *node) error {
				c.others[side] = append(c.others[side], child)
				return c.full(side, len(c.others[side]))
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// full reports more pages of one height than the database has.
func (c *comparison) full(side, pages int) error {
	if f := c.pair.files[side]; pages > int(f.PageCount) {
		return fmt.Errorf("%w: more than %d pages in one tree", ErrFormat, f.PageCount)
	}
	return nil
}

// children calls each for the children of an interior page.
func (c *comparison) children(side int, n *node, each func(child *node) error) error {
	p, err := c.pair.files[side].tree(n.page)
	if err != nil {
		return err
	}
	if p.leaf() {
		return p.malformed("a leaf among the interior pages")
	}
	for i := range p.cells + 1 {
		child, err := p.child(i)
		if err != nil {
			return err
		}
		next := &node{page: child}
		next.up[side] = n
		if err := each(next); err != nil {
			return err
		}
	}
	return nil
}
