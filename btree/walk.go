package btree

import (
	"fmt"
	"iter"
)

// maxHeight is more than any tree needs; SQLite itself goes no deeper.
const maxHeight = 20

// height returns how many levels of pages are below the root of a tree.
func (f *File) height(root uint32) (int, error) {
	for height := range maxHeight {
		p, err := f.tree(root)
		if err != nil {
			return 0, err
		}
		if p.leaf() {
			return height, nil
		}
		if root, err = p.child(0); err != nil {
			return 0, err
		}
	}
	return 0, fmt.Errorf("%w: a tree of more than %d levels", ErrFormat, maxHeight)
}

// CountPages counts the pages of a tree, without those on which rows continue, until there are more than most. It reads no
// leaf but the first.
func (f *File) CountPages(root uint32, most int) (count int, err error) {
	height, err := f.height(root)
	if err != nil {
		return 0, err
	}
	count = 1
	level := []uint32{root}
	for ; height > 0 && count <= most; height-- {
		var below []uint32
		for _, n := range level {
			p, err := f.tree(n)
			if err != nil {
				return 0, err
			}
			for i := range p.cells + 1 {
				child, err := p.child(i)
				if err != nil {
					return 0, err
				}
				below = append(below, child)
			}
			if count += p.cells + 1; count > most {
				break
			}
		}
		level = below
	}
	return count, nil
}

// Empty reports whether the table with this root has no rows.
func (f *File) Empty(root uint32) (bool, error) {
	p, err := f.tree(root)
	return err == nil && p.leaf() && p.cells == 0, err
}

// selection names the pages of a tree with wanted rows, and the pages that lead to them. A nil
// selection is of all pages.
type selection struct {
	wanted map[uint32]struct{}
	paths  map[uint32]struct{} // the wanted pages, and all pages above them
}

func (s *selection) wants(page uint32) bool {
	if s == nil {
		return true
	}
	_, ok := s.wanted[page]
	return ok
}

func (s *selection) enters(page uint32) bool {
	if s == nil {
		return true
	}
	_, ok := s.paths[page]
	return ok
}

// add selects the page of a node on one side.
func (s *selection) add(n *node, side int) {
	s.wanted[n.page] = struct{}{}
	for ; n != nil && !s.enters(n.page); n = n.up[side] {
		s.paths[n.page] = struct{}{}
	}
}

// spot is where a row is.
type spot struct {
	page uint32
	cell int
}

// rows returns the rows on the selected pages of a tree, in the order of its keys.
func (f *File) rows(root uint32, s *selection) iter.Seq2[spot, error] {
	return func(yield func(spot, error) bool) {
		w := walk{file: f, selection: s, yield: func(at spot) bool { return yield(at, nil) }}
		if _, err := w.page(root, 0); err != nil {
			yield(spot{}, err)
		}
	}
}

// walk goes through a tree.
type walk struct {
	file      *File
	selection *selection
	yield     func(spot) bool
	visited   uint32
}

// page visits a page and the pages below it, and reports whether to go on.
func (w *walk) page(n uint32, depth int) (more bool, err error) {
	if !w.selection.enters(n) {
		return true, nil
	}
	if w.visited++; w.visited > w.file.PageCount || depth > maxHeight {
		return false, fmt.Errorf("%w: page %d is in a tree twice", ErrFormat, n)
	}
	p, err := w.file.tree(n)
	if err != nil {
		return false, err
	}
	holds := p.kind != TableInterior && w.selection.wants(n)
	for i := range p.cells {
		if !p.leaf() {
			if more, err := w.child(p, i, depth); !more {
				return false, err
			}
		}
		if holds && !w.yield(spot{n, i}) {
			return false, nil
		}
	}
	if p.leaf() {
		return true, nil
	}
	return w.child(p, p.cells, depth)
}

func (w *walk) child(p page, i, depth int) (more bool, err error) {
	n, err := p.child(i)
	if err != nil {
		return false, err
	}
	return w.page(n, depth+1)
}
